import { compareOutcomes, type Difference, type Explanation, type Outcome, sortDifferences } from "../oracle/compare.ts";

/** What one test of a suite came to on one engine. */
export interface TestResult {
  readonly name: string;
  readonly isPassed: boolean;
  /** It failed at first. */
  readonly isSecondTry?: true;
  /** Why it failed, in the suite's words. */
  readonly why: string;
  /** What its command did, for tests that are compared as well. */
  readonly outcome?: Outcome;
}

/** A test that passes on the real engine and is known not to pass on ours. */
export interface Miss {
  readonly suite: string;
  readonly test: string;
  readonly because: string;
  /** It may pass as well: the test itself, or its client, relies on how fast an engine is. */
  readonly byChance?: true;
}

export interface Verdict {
  readonly suite: string;
  readonly tests: number;
  readonly passedOnReal: number;
  readonly passedOnOurs: number;
  /** How many of those that passed had failed at first. */
  readonly secondTries: { readonly real: number; readonly ours: number };
  /** Neither engine passes these. */
  readonly failedOnBoth: readonly string[];
  readonly passedOnOursAlone: readonly string[];
  /** Listed, and still so. */
  readonly known: readonly Miss[];
  /** What makes the run fail, in words. */
  readonly faults: readonly string[];
}

export interface SuiteRuns {
  readonly suite: string;
  readonly real: readonly TestResult[];
  readonly ours: readonly TestResult[];
  readonly explanations?: readonly Explanation[];
}

/** What passes on the real engine passes on ours, but for what is listed; and what is listed is still so. */
export function judge({ suite, real, ours, explanations = [] }: SuiteRuns, misses: readonly Miss[]): Verdict {
  const ourResults = byName(ours);
  const realResults = byName(real);
  const listed = misses.filter(miss => miss.suite === suite);
  const worse = [...realResults].flatMap(([name, result]) => {
    const reason = result.isPassed ? whatIsWorse(result, ourResults.get(name), explanations) : undefined;
    return reason === undefined ? [] : [{ name, reason }];
  });
  const isListed = (name: string): boolean => listed.some(({ test }) => test === name);
  const isWorse = (name: string): boolean => worse.some(each => each.name === name);
  const passes = (results: ReadonlyMap<string, TestResult>, name: string): boolean => results.get(name)?.isPassed === true;
  const vanished = listed.filter(({ test, byChance }) => byChance !== true && !isWorse(test));
  return {
    suite,
    tests: new Set([...realResults.keys(), ...ourResults.keys()]).size,
    passedOnReal: count(realResults),
    passedOnOurs: count(ourResults),
    secondTries: { real: secondTries(real), ours: secondTries(ours) },
    failedOnBoth: [...realResults.keys()].filter(name => !passes(realResults, name) && !passes(ourResults, name)),
    passedOnOursAlone: [...ourResults.keys()].filter(name => !passes(realResults, name) && passes(ourResults, name)),
    known: listed.filter(({ test }) => isWorse(test)),
    faults: [
      ...(count(realResults) === 0 ? ["it did not run on the real engine"] : []),
      ...worse.filter(({ name }) => !isListed(name)).map(({ name, reason }) => `${name}: ${reason}`),
      ...vanished.map(
        ({ test }) =>
          `${test}: it is listed as a miss and is none: ${passes(realResults, test) ? "it passes" : "the real engine does not pass it"}`,
      ),
    ],
  };
}

function whatIsWorse(real: TestResult, ours: TestResult | undefined, explanations: readonly Explanation[]): string | undefined {
  if (ours === undefined) return "it did not run on ours";
  if (!ours.isPassed) return `it fails on ours: ${ours.why}`;
  if (real.outcome === undefined || ours.outcome === undefined) return undefined;
  const { unexplained: differences } = sortDifferences(compareOutcomes(real.name, real.outcome, ours.outcome), explanations);
  return differences.length === 0 ? undefined : `it differs on ours: ${differences.map(differenceText).join("; ")}`;
}

function differenceText({ where, real, ours }: Difference): string {
  return `${where}: real ${JSON.stringify(real)}, ours ${JSON.stringify(ours)}`;
}

/** Tests of one name are told apart by a number. */
function byName(results: readonly TestResult[]): ReadonlyMap<string, TestResult> {
  const named = new Map<string, TestResult>();
  for (const result of results) {
    let name = result.name;
    for (let number = 2; named.has(name); number++) name = `${result.name} (${number})`;
    named.set(name, result);
  }
  return named;
}

function count(results: ReadonlyMap<string, TestResult>): number {
  return [...results.values()].filter(({ isPassed }) => isPassed).length;
}

function secondTries(results: readonly TestResult[]): number {
  return results.filter(({ isSecondTry }) => isSecondTry).length;
}
