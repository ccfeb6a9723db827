import type { MoreServiceFieldRow } from "./more-service-rows.ts";
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

const BEYOND = `## Beyond Docker

What a service can say here and cannot in Docker. Docker's clients do not know it; where an update is silent about it, it stays. What each means: [the guide](guide.md#a-swarm).
`;
const HEAD = ["| field | type | what becomes of it | seen in |", "| --- | --- | --- | --- |"];

/** The page of a specification's fields, in its order, and of those that it does not know. */
export function servicePage(
  fields: readonly SpecifiedField[],
  {
    rows,
    more,
    version,
  }: { readonly rows: readonly ServiceFieldRow[]; readonly more: readonly MoreServiceFieldRow[]; readonly version: string },
): string {
  const outcomes = new Map(rows.map(({ path, outcome }) => [path, outcome]));
  const kinds = [...new Set(rows.map(({ outcome }) => outcome.kind))];
  const counts = kinds.map(kind => `${rows.filter(({ outcome }) => outcome.kind === kind).length} ${kind}`);
  return [
    INTRODUCTION.replace("VERSION", version),
    `${fields.length} fields: ${counts.join(", ")}.`,
    "",
    ...HEAD,
    ...fields.map(({ path, type }) => line({ path, type }, outcomes.get(path))),
    "",
    BEYOND,
    ...HEAD,
    ...more.map(row => line(row, row.outcome)),
    "",
  ].join("\n");
}

function line({ path, type }: SpecifiedField, outcome: Outcome | undefined): string {
  const cells = outcome === undefined ? ["**nobody knows**", ""] : [outcome.kind, seenIn(outcome)];
  return `| ${[`\`${path}\``, type, ...cells].join(" | ")} |`;
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
