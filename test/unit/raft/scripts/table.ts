import { DIFFERENCES } from "./differences.ts";
import { type Outcome, readCorpus, runFile } from "./corpus.ts";

/** What the scripts say about our core: a row for each file, and how many of its commands gave another output. */
export interface Row {
  readonly name: string;
  readonly blockCount: number;
  /** `undefined`: left out. */
  readonly different: readonly Outcome[] | undefined;
  readonly leftOut: string | undefined;
}

export function conformanceRows(): readonly Row[] {
  return readCorpus().map(file => {
    const { name, blocks, leftOut } = file;
    const different = leftOut === undefined ? runFile(file).filter(({ expected, ours }) => expected !== ours) : undefined;
    return { name, blockCount: blocks.length, different, leftOut };
  });
}

export function keyOf({ name, line }: Outcome): string {
  return `${name}:${line}`;
}

function resultOf({ leftOut, different = [] }: Row): string {
  if (leftOut !== undefined) return `uses ${leftOut}`;
  const unexplained = different.filter(outcome => DIFFERENCES[keyOf(outcome)] === undefined).length;
  if (unexplained > 0) return `FAILED: ${unexplained} unexplained`;
  return different.length === 0 ? "passed" : `passed, ${different.length} explained`;
}

export function conformanceTable(rows: readonly Row[]): string {
  const run = rows.filter(row => row.leftOut === undefined);
  const sum = (counted: readonly Row[]) => counted.reduce((total, { blockCount }) => total + blockCount, 0);
  const differentCount = run.reduce((total, { different = [] }) => total + different.length, 0);
  return [
    "| script | commands | result |",
    "| --- | ---: | --- |",
    ...rows.map(row => `| ${row.name} | ${row.blockCount} | ${resultOf(row)} |`),
    "",
    `${rows.length} scripts with ${sum(rows)} commands; ${run.length} with ${sum(run)} commands run whole, ${differentCount} of them with another output.`,
  ].join("\n");
}

/** Both outputs and the argument, for each command whose output is another. */
export function explainedDifferences(rows: readonly Row[]): string {
  const outcomes = rows.flatMap(({ different = [] }) => different);
  return outcomes
    .map(
      each =>
        `${keyOf(each)}\n${DIFFERENCES[keyOf(each)] ?? "UNEXPLAINED"}\n--- theirs\n${each.expected}\n--- ours\n${each.ours}\n`,
    )
    .join("\n");
}
