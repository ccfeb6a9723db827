import { compileTemplate } from "./template.ts";

/** One column of a listing: its header, the name a `--format` uses for it, and how a row fills it. */
export interface Column<Row> {
  readonly header: string;
  readonly field: string;
  /** Shown without `--format`; others are there for templates only. */
  readonly isDefault?: boolean;
  readonly value: (row: Row) => string;
}

export interface ListingOptions {
  readonly format?: string | undefined;
  readonly quiet?: boolean | undefined;
  /** The field that `--quiet` prints. */
  readonly idField?: string;
}

const GAP = 3;

/** A listing as Docker's CLI prints it: a table, `--quiet` ids, or a template (with `table ` in front: a table of it; `json`: an object a line). */
export function renderListing<Row>(rows: readonly Row[], columns: readonly Column<Row>[], options: ListingOptions): string {
  const records = rows.map(row => Object.fromEntries(columns.map(column => [column.field, column.value(row)])));
  if (options.quiet === true && options.format === undefined)
    return lines(records.map(record => record[options.idField ?? "ID"] ?? ""));
  const { format } = options;
  if (format === undefined || format === "table") {
    const shown = columns.filter(column => column.isDefault !== false);
    return renderTable([
      shown.map(({ header }) => header),
      ...records.map(record => shown.map(({ field }) => record[field] ?? "")),
    ]);
  }
  if (format === "json") return lines(records.map(record => compileTemplate("{{json .}}")(record)));
  if (!format.startsWith("table ")) return lines(records.map(compileTemplate(format)));
  const template = compileTemplate(format.slice("table ".length));
  const headers = Object.fromEntries(columns.map(({ field, header }) => [field, header]));
  return renderTable([template(headers), ...records.map(template)].map(line => line.split("\t")));
}

/** Cells padded to their column's width and three spaces, as Docker's tabwriter does; also after the last full column. */
export function renderTable(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [index, cell] of row.entries()) widths[index] = Math.max(widths[index] ?? 0, displayWidth(cell));
  }
  return lines(
    rows.map(row =>
      row
        .map((cell, index) =>
          index === row.length - 1 ? cell : cell + " ".repeat((widths[index] ?? 0) + GAP - displayWidth(cell)),
        )
        .join(""),
    ),
  );
}

function displayWidth(text: string): number {
  return [...text].length;
}

function lines(items: readonly string[]): string {
  return items.map(item => `${item}\n`).join("");
}
