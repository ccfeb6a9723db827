import { CliError } from "../context.ts";
import { asRow } from "../../lib/template/template-functions.ts";
import { compileTemplate, TemplateFailure } from "../../lib/template/template.ts";

/** One column of a listing: its header, the name a `--format` uses for it, and how a row fills it. */
export interface Column<Row> {
  readonly header: string;
  readonly field: string;
  /** Shown without `--format`; others are there for templates only. */
  readonly isDefault?: boolean;
  /** No text only where Docker has none: it shows in JSON. */
  readonly value: (row: Row) => string | boolean | null;
}

export interface ListingOptions<Row> {
  readonly format?: string | undefined;
  readonly quiet?: boolean | undefined;
  /** The field that `--quiet` prints. */
  readonly idField?: string;
  /** What Docker calls a row's type: said when a template asks for a field that is not there. */
  readonly rowType?: string;
  /** `{{.Label "key"}}`. */
  readonly label?: (row: Row, key: string) => string;
}

/** Docker's tabwriter: no column is narrower than ten, and three spaces stand between two. */
const WIDTH_MIN = 10;
const GAP = 3;

/** A listing as Docker's CLI prints it: a table, `--quiet` ids, or a template (with `table ` in front: a table of it; `json`: an object a line). */
export function renderListing<Row>(rows: readonly Row[], columns: readonly Column<Row>[], options: ListingOptions<Row>): string {
  const { format } = options;
  const listed = [...columns].sort((a, b) => (a.field < b.field ? -1 : 1));
  const records = rows.map(row => Object.fromEntries(listed.map(column => [column.field, column.value(row)])));
  if (options.quiet === true && (format === undefined || format === "table"))
    return lines(records.map(record => cell(record[options.idField ?? "ID"])));
  if (format === undefined || format === "table" || format === "") {
    const shown = columns.filter(column => column.isDefault !== false);
    return renderTable([
      shown.map(({ header }) => header),
      ...records.map(record => shown.map(({ field }) => cell(record[field]))),
    ]);
  }
  const contexts = rows.map((row, index) => asRow(records[index] ?? {}, key => options.label?.(row, key) ?? ""));
  const render = (template: string): ((data: unknown) => string) =>
    compileTemplate(template, { rowType: options.rowType ?? "object" });
  try {
    if (format === "json") return lines(contexts.map(render("{{json .}}")));
    if (!format.startsWith("table ")) return lines(contexts.map(render(format)));
    const template = render(format.slice("table ".length));
    const headers = asRow(Object.fromEntries(columns.map(({ field, header }) => [field, header])), key => key);
    return renderTable([template(headers), ...contexts.map(template)].map(line => line.split("\t")));
  } catch (error) {
    if (!(error instanceof TemplateFailure)) throw error;
    throw new CliError(`failed to ${error.phase} template: template: ${error.message}`);
  }
}

/** Cells padded to their column's width. */
export function renderTable(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [index, cell] of row.entries()) widths[index] = Math.max(widths[index] ?? WIDTH_MIN, displayWidth(cell) + GAP);
  }
  return lines(
    rows.map(row =>
      row
        .map((cell, index) => (index === row.length - 1 ? cell : cell + " ".repeat((widths[index] ?? 0) - displayWidth(cell))))
        .join(""),
    ),
  );
}

function cell(value: string | boolean | null | undefined): string {
  return value === null || value === undefined ? "" : `${value}`;
}

function displayWidth(text: string): number {
  return [...text].length;
}

function lines(items: readonly string[]): string {
  return items.map(item => `${item}\n`).join("");
}
