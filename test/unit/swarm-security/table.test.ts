import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

const PAGE = "docs/swarm-security-tests.md";
const ATTACKS_MIN = 40;

interface Row {
  readonly attack: string;
  readonly file: string;
  readonly title: string;
}

const rows: readonly Row[] = [...readFileSync(PAGE, "utf8").matchAll(/^\| (\d+) \| ([^|]+) \| `([^`]+)` \| ([^|]+) \|$/gm)].map(
  ([, , attack = "", file = "", title = ""]) => ({ attack: attack.trim(), file: `test/${file}.test.ts`, title: title.trim() }),
);

/** Titles of a file's tests; what a table of cases puts in may be anything. */
function titlesIn(file: string): readonly RegExp[] {
  const source = readFileSync(file, "utf8");
  return [...source.matchAll(/\bit\(\s*(["`])((?:(?!\1).)+)\1/g)].map(([, , title = ""]) => {
    const pattern = title.split(/\$\{[^}]*\}/).map(text => text.replace(/[.*+?^()|[\]\\{}]/g, "\\$&"));
    return new RegExp(`^${pattern.join(".+")}$`);
  });
}

describe("the table of attacks on the swarm", () => {
  it(`has ${ATTACKS_MIN} attacks or more, each once`, () => {
    assert.ok(rows.length >= ATTACKS_MIN, `${rows.length} attacks`);
    assert.deepEqual(new Set(rows.map(({ attack }) => attack)).size, rows.length);
  });

  for (const { attack, file, title } of rows) {
    it(`names a test of: ${attack}`, () => {
      assert.ok(
        titlesIn(file).some(pattern => pattern.test(title)),
        `${file} has no test "${title}"`,
      );
    });
  }
});
