import { type MachineOwn, withoutOwn } from "./machine-own.ts";

/** What one command did. */
export interface Outcome {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  /** What it was waited for did not come to pass in time. */
  readonly isOverdue?: true;
}

const ALIGNED_LINES_MIN = 40;

/** A place where ours is not as the real one's. */
export interface Difference {
  /** `2 inspect c: stdout[0].State.ExitCode`. */
  readonly where: string;
  readonly real: unknown;
  readonly ours: unknown;
}

/** A difference that is as it should be, in the scenarios and places that it matches. */
export interface Explanation {
  readonly scenario: RegExp;
  /** Matches `where`. */
  readonly where: RegExp;
  readonly reason: "more on purpose" | "a bug of Docker's" | "the kernel lacks it";
  readonly because: string;
  /** Where a bug of Docker's is told of. */
  readonly link?: string;
}

/** A difference with what explains it. */
export interface ExplainedDifference extends Difference {
  readonly explanation: Explanation;
}

/** Everything in which two outcomes differ; texts that are JSON are compared as values, others line by line. */
export function compareOutcomes(where: string, real: Outcome, ours: Outcome): readonly Difference[] {
  return [
    ...compareValues(`${where}: exit code`, real.exitCode, ours.exitCode),
    ...compareTexts(`${where}: stdout`, real.stdout, ours.stdout),
    ...compareTexts(`${where}: stderr`, real.stderr, ours.stderr),
  ];
}

/** JSON with its keys in order and without what is each machine's own, so that the same ids are met in the same order on both sides. */
export function canonical(where: string, text: string, own: MachineOwn): string {
  const json = parsedJson(text);
  return json === undefined ? text : JSON.stringify(canonicalValue(where, json, own));
}

function canonicalValue(where: string, value: unknown, own: MachineOwn): unknown {
  if (Array.isArray(value)) return value.map((item, index) => canonicalValue(`${where}[${index}]`, item, own));
  if (!isRecord(value)) return value;
  const keys = Object.keys(value).sort();
  return Object.fromEntries(
    keys.map(key => {
      const place = `${where}.${key}`;
      return [key, canonicalValue(place, withoutOwn(place, value[key], own), own)];
    }),
  );
}

/** The differences that nothing explains, and the others with what does. */
export function sortDifferences(
  differences: readonly Difference[],
  explanations: readonly Explanation[],
): { readonly unexplained: readonly Difference[]; readonly explained: readonly ExplainedDifference[] } {
  const explained = differences.flatMap(difference => {
    const explanation = explanations.find(({ where }) => where.test(difference.where));
    return explanation === undefined ? [] : [{ ...difference, explanation }];
  });
  const known = new Set(explained.map(({ where }) => where));
  return { unexplained: differences.filter(({ where }) => !known.has(where)), explained };
}

function compareTexts(where: string, real: string, ours: string): readonly Difference[] {
  const realJson = parsedJson(real);
  const ourJson = parsedJson(ours);
  if (realJson !== undefined && ourJson !== undefined) return compareValues(where, realJson, ourJson);
  const [a, b] = [lines(real), lines(ours)];
  if (Math.max(a.length, b.length) > ALIGNED_LINES_MIN) return compareAligned(where, a, b);
  return Array.from({ length: Math.max(a.length, b.length) }, (_, index) => index)
    .filter(index => a[index] !== b[index])
    .map(index => ({ where: `${where} line ${index + 1}`, real: a[index], ours: b[index] }));
}

/** Of long texts the lines that one has and the other has not, so that one line too many does not shift all the others. */
function compareAligned(where: string, real: readonly string[], ours: readonly string[]): readonly Difference[] {
  const common = Array.from({ length: real.length + 1 }, () => Array.from({ length: ours.length + 1 }, () => 0));
  const at = (i: number, j: number): number => common[i]?.[j] ?? 0;
  for (let i = real.length - 1; i >= 0; i--)
    for (let j = ours.length - 1; j >= 0; j--)
      (common[i] ?? [])[j] = real[i] === ours[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
  const differences: Difference[] = [];
  for (let i = 0, j = 0; i < real.length || j < ours.length; ) {
    if (i < real.length && j < ours.length && real[i] === ours[j]) [i, j] = [i + 1, j + 1];
    else if (i < real.length && (j === ours.length || at(i + 1, j) >= at(i, j + 1)))
      differences.push({ where: `${where} line ${i + 1}`, real: real[i++], ours: undefined });
    else differences.push({ where: `${where} line ${j + 1} of ours`, real: undefined, ours: ours[j++] });
  }
  return differences;
}

/** Columns are as wide as their widest cell, and ids may stand in them: only the number of columns is compared, not their widths. */
function lines(text: string): readonly string[] {
  return text
    .replace(/\n$/, "")
    .split("\n")
    .map(line => line.trimEnd().replace(/ {2,}/g, "   "));
}

function parsedJson(text: string): unknown {
  if (!/^\s*[[{]/.test(text)) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function compareValues(where: string, real: unknown, ours: unknown): readonly Difference[] {
  if (Array.isArray(real) && Array.isArray(ours)) {
    if (real.length !== ours.length) return [{ where: `${where}.length`, real, ours }];
    return real.flatMap((item, index) => compareValues(`${where}[${index}]`, item, ours[index]));
  }
  if (isRecord(real) && isRecord(ours)) {
    const keys = [...new Set([...Object.keys(real), ...Object.keys(ours)])].sort();
    return keys.flatMap(key => compareValues(`${where}.${key}`, real[key], ours[key]));
  }
  return Object.is(real, ours) ? [] : [{ where, real, ours }];
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
