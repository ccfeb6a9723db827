import { readFileSync, writeFileSync } from "node:fs";
import type { Miss, Verdict } from "./judge.ts";

const PAGE = "docs/clients.md";
const START = "<!-- results -->";
const END = "<!-- end of results -->";
const HEAD = "| suite | tests | real engine | ours | passes there, not here |\n|---|---|---|---|---|";

/** Writes the rows of the suites that ran into the page; those of others stay as they are. */
export function writeTable(verdicts: readonly Verdict[], misses: readonly Miss[], titles: ReadonlyMap<string, string>): void {
  const page = readFileSync(PAGE, "utf8");
  const [before = "", rest = ""] = page.split(START);
  const [old = "", after = ""] = rest.split(END);
  writeFileSync(PAGE, `${before}${START}\n${table(old, verdicts, titles)}\n\n${listOfMisses(misses, titles)}\n${END}${after}`);
}

/** One row for each suite, in the order of `titles`. */
export function table(old: string, verdicts: readonly Verdict[], titles: ReadonlyMap<string, string>): string {
  const rows = [...titles].flatMap(([suite, title]) => {
    const verdict = verdicts.find(each => each.suite === suite);
    if (verdict !== undefined) return [row(verdict, title)];
    return old.split("\n").filter(line => line.startsWith(`| ${title} |`));
  });
  return [HEAD, ...rows].join("\n");
}

export function row({ tests, passedOnReal, passedOnOurs, secondTries, known, faults }: Verdict, title: string): string {
  const worse = [
    ...(known.length === 0 ? [] : [`${known.length}, listed below`]),
    ...(faults.length === 0 ? [] : [`${faults.length} that are not listed`]),
  ];
  const passed = [withTries(passedOnReal, secondTries.real), withTries(passedOnOurs, secondTries.ours)];
  return `| ${[title, tests, ...passed, worse.join(", ") || "none"].join(" | ")} |`;
}

function withTries(passed: number, secondTries: number): string {
  return secondTries === 0 ? String(passed) : `${passed}, ${secondTries} of them at the second try`;
}

/** Grouped by reason. */
function listOfMisses(misses: readonly Miss[], titles: ReadonlyMap<string, string>): string {
  if (misses.length === 0) return "No test passes there and not here.";
  const reasons = [...new Set(misses.map(({ suite, because }) => JSON.stringify([suite, because])))];
  const lines = reasons.map(reason => {
    const [suite = "", because = ""] = JSON.parse(reason) as readonly string[];
    const tests = misses.filter(miss => miss.suite === suite && miss.because === because).map(({ test }) => `\`${test}\``);
    return `- ${titles.get(suite) ?? suite}: ${because} (${tests.length}): ${tests.join(", ")}`;
  });
  return ["What passes there and not here, and why:", "", ...lines].join("\n");
}
