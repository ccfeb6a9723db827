import type { ExplainedDifference } from "./compare.ts";
import type { ScenarioResult } from "./run-scenario.ts";

export interface Miss {
  readonly scenario: string;
  readonly because: string;
}

const OUTPUT_CHARACTERS_MAX = 300;

/** The page that tells how this engine differs from Docker's where both did the same. Pure. */
export function differencesPage(results: readonly ScenarioResult[], misses: readonly Miss[]): string {
  const found = results.flatMap(({ scenario, explained }) =>
    explained.map(difference => ({ scenario: scenario.name, difference })),
  );
  const reasons = [...new Set(found.map(({ difference }) => headingOf(difference)))];
  const sections = reasons.flatMap(heading => [
    heading,
    "",
    ...found
      .filter(({ difference }) => headingOf(difference) === heading)
      .flatMap(({ scenario, difference }) => rowOf(scenario, difference)),
    "",
  ]);
  return [
    "# Where Shoal differs from Docker",
    "",
    "Written by `UPDATE=1 npm run oracle`, which does the same on a real Docker Engine and on this one. What each machine says of itself",
    "(ids, times, paths, versions) is left out. A scenario stands here once for each place in which the two differ.",
    "",
    "## As it should be",
    "",
    ...sections,
    "## Not yet the same",
    "",
    ...(misses.length === 0 ? ["Nothing."] : misses.map(({ scenario, because }) => `- \`${scenario}\`: ${because}`)),
    "",
  ].join("\n");
}

/** The scenarios that a page tells of as explained. */
export function scenariosOn(page: string): ReadonlySet<string> {
  return new Set([...page.matchAll(/^- \*\*(.*?)\*\*, /gm)].map(([, name = ""]) => name));
}

function headingOf({ explanation: { reason, because, link } }: ExplainedDifference): string {
  const words =
    reason === "more on purpose"
      ? "More on purpose"
      : reason === "a bug of Docker's"
        ? "A bug of Docker's"
        : "The kernel lacks it";
  return `### ${words}: ${because}${link === undefined ? "" : `\n\n<${link}>`}`;
}

function rowOf(scenario: string, { where, real, ours }: ExplainedDifference): readonly string[] {
  return [`- **${scenario}**, \`${where}\``, `  - Docker: ${shown(real)}`, `  - Shoal: ${shown(ours)}`];
}

function shown(output: unknown): string {
  if (output === undefined) return "nothing";
  const text = typeof output === "string" ? output : JSON.stringify(output);
  return `\`${text.slice(0, OUTPUT_CHARACTERS_MAX).replaceAll("`", "'")}\``;
}
