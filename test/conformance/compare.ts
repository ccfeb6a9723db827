import { DIFFERENCES_EXPLAINED } from "./explanations.ts";
import { caseName } from "./case.ts";
import { compareShapes } from "./shape.ts";
import type { Shown, Walk, Walks } from "./walk.ts";
import { VERSIONS_COMPARED } from "./walk.ts";

/** Cases that did not show the status that they are there for. */
export function faultsIn({ host, shown }: Walk): readonly string[] {
  return [...shown].flatMap(([name, one]) => {
    if (one instanceof Error) return [`${name}: ${one.message}`];
    const expected = host.name === "real" ? (one.case.real?.status ?? one.case.status) : one.case.status;
    const { status, body } = one.answer;
    return status === expected ? [] : [`${name}: ${status} ${body.toString("utf8", 0, 300).trim()}`];
  });
}

/** What our newest version breaks and the real engine's newest does not. */
export function newViolations({ oursNewest, real }: Walks): readonly string[] {
  const known = new Set(violationsIn(real.get(VERSIONS_COMPARED.at(-1) ?? "")));
  return [...new Set(violationsIn(oursNewest))].filter(violation => !known.has(violation));
}

export function violationsIn(walk: Walk | undefined): readonly string[] {
  return shownIn(walk).flatMap(({ case: { operation }, answer, violations }) =>
    violations.map(({ at, rule }) => `${operation} ${answer.status} ${at}: ${rule}`),
  );
}

function shownIn(walk: Walk | undefined): readonly Shown[] {
  return [...(walk?.shown.values() ?? [])].flatMap(one => (one instanceof Error ? [] : [one]));
}

/** Keys and types that only one engine answers in a version, each with its case. */
export function allDifferencesIn({ real, ours }: Walks, version: string): readonly string[] {
  const [theirs, own] = [real.get(version), ours.get(version)];
  return [...(theirs?.shown ?? [])].flatMap(([name, there]) => {
    const here = own?.shown.get(name);
    if (here === undefined || here instanceof Error || there instanceof Error) return [];
    return compareShapes(there.shape, here.shape).map(difference => `${name}: ${difference}`);
  });
}

/** Those without a reason. */
export function differencesIn(walks: Walks, version: string): readonly string[] {
  return allDifferencesIn(walks, version).filter(
    difference => !DIFFERENCES_EXPLAINED.some(({ where }) => where.test(difference)),
  );
}

/** What our newest version answers and the newest of the real engine could not be asked for. */
export function withoutOracle({ oursNewest, ours }: Walks): readonly string[] {
  const compared = ours.get(VERSIONS_COMPARED.at(-1) ?? "");
  return shownIn(oursNewest).flatMap(one => {
    const before = compared?.shown.get(caseName(one.case));
    if (before === undefined || before instanceof Error) return [`${caseName(one.case)}: the whole answer`];
    return [...one.shape].filter(entry => !before.shape.has(entry)).map(entry => `${caseName(one.case)}: ${entry}`);
  });
}
