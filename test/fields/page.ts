import type { FieldRow } from "./row.ts";
import type { SpecifiedField } from "./specified-fields.ts";

const INTRODUCTION = `# The fields of create

What becomes of every field in the body of \`POST /containers/create\`, as version VERSION of the API has it. Made by \`UPDATE=1 npm run test:unit -- -g "fields of create"\` from the
specification and from \`test/fields\`, whose every row is tried on a running engine (\`test/integration/fields\`).

- **honoured**: a container with it differs from one without, where the third column says; or a value that cannot be honoured is refused.
- **kept**: inspect shows it, and nothing else is done with it by design.
- **refused**: a request with it is refused, and nothing is made.
- **warned**: dropped, and the answer's \`Warnings\` say so.
- **told**: not a setting. Inspect tells it; what a client sends there, such as one that sends back what inspect said, is not taken over.
`;

/** The page of a specification's fields, in its order. */
export function fieldsPage(
  fields: readonly SpecifiedField[],
  { rows, older, version }: { readonly rows: readonly FieldRow[]; readonly older: readonly FieldRow[]; readonly version: string },
): string {
  const rowOf = new Map(rows.map(row => [row.path, row]));
  const lines = fields.map(({ path, type }) => line({ path, type, row: rowOf.get(path) }));
  const counts = [...new Set(rows.map(({ verdict }) => verdict))].map(
    verdict => `${rows.filter(row => row.verdict === verdict).length} ${verdict}`,
  );
  return [
    INTRODUCTION.replace("VERSION", version),
    `${fields.length} fields: ${counts.join(", ")}.`,
    "",
    ...HEAD,
    ...lines,
    "",
    "## Of older versions",
    "",
    ...HEAD,
    ...older.map(row => line({ path: row.path, type: "", row })),
    "",
  ].join("\n");
}

const HEAD = ["| field | type | what becomes of it | seen in | remark |", "| --- | --- | --- | --- | --- |"];

function line({ path, type, row }: { readonly path: string; readonly type: string; readonly row: FieldRow | undefined }): string {
  return `| ${[`\`${path}\``, type, row?.verdict ?? "**nobody knows**", row === undefined ? "" : seenIn(row), row?.note ?? ""].join(" | ")} |`;
}

function seenIn(row: FieldRow): string {
  switch (row.verdict) {
    case "honoured":
      return row.effects === undefined
        ? "refusals of other values"
        : [...new Set(row.effects.map(effect => `\`${effect.in}\``))].join(", ");
    case "kept":
      return "inspect alone";
    case "refused":
      return [...new Set(row.refusals.map(({ status }) => String(status)))].join(", ");
    case "warned":
      return "`Warnings`";
    case "told":
      return "";
  }
}
