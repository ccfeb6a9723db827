import type { Outcome, ServiceFieldRow } from "./service-rows.ts";
import type { SpecifiedField } from "./specified-fields.ts";

const INTRODUCTION = `# The fields of a service

What becomes of every field in the body of \`POST /services/create\`, as version VERSION of the API has it. Made by \`UPDATE=1 npm run test:unit -- -g "fields of a service"\` from the
specification and from \`test/fields/service-rows.ts\`, whose every row is tried: the spec is read, checked by the API and by the managers, replicated, and made a container of.

- **container**: the container of a task has it, where the fourth column says. What containers do with it: [the fields of create](create-fields.md).
- **managers**: the managers act on it; the test that shows it is named.
- **kept**: the spec keeps it, and nothing is done with it by design.
- **refused**: a spec with it is refused, and nothing is made or changed.
`;

/** The page of a specification's fields, in its order. */
export function servicePage(
  fields: readonly SpecifiedField[],
  { rows, version }: { readonly rows: readonly ServiceFieldRow[]; readonly version: string },
): string {
  const outcomes = new Map(rows.map(({ path, outcome }) => [path, outcome]));
  const kinds = [...new Set(rows.map(({ outcome }) => outcome.kind))];
  const counts = kinds.map(kind => `${rows.filter(({ outcome }) => outcome.kind === kind).length} ${kind}`);
  const lines = fields.map(({ path, type }) => {
    const outcome = outcomes.get(path);
    const cells = outcome === undefined ? ["**nobody knows**", ""] : [outcome.kind, seenIn(outcome)];
    return `| ${[`\`${path}\``, type, ...cells].join(" | ")} |`;
  });
  const head = ["| field | type | what becomes of it | seen in |", "| --- | --- | --- | --- |"];
  return [
    INTRODUCTION.replace("VERSION", version),
    `${fields.length} fields: ${counts.join(", ")}.`,
    "",
    ...head,
    ...lines,
    "",
  ].join("\n");
}

function seenIn(outcome: Outcome): string {
  switch (outcome.kind) {
    case "container":
      return `\`${outcome.at}\``;
    case "managers":
      return `\`${outcome.test}\``;
    case "kept":
      return outcome.why;
    case "refused":
      return `"${outcome.says.source.replaceAll("\\", "")}"`;
  }
}
