import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const LIMIT_MS = 10_000;

describe("a process that crashes", function () {
  this.timeout(LIMIT_MS);
  let directory: string;
  beforeEach(() => (directory = mkdtempSync(join(tmpdir(), "shoal-crash-"))));
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  for (const [how, statement] of [
    ["an exception", 'setImmediate(() => { throw new Error("boom"); });'],
    ["a rejection", 'void Promise.reject(new Error("boom"));'],
  ] as const) {
    it(`by ${how} leaves a report for root alone, the tenth of the last ten, and ends with 1`, () => {
      for (let number = 0; number < 12; number++) writeFileSync(join(directory, `test-crash-${1e12 + number}.txt`), "old");
      const log = "{ debug() {}, info() {}, warn() {}, error() {} }";
      const program = `import { startDiagnostics } from "./src/daemon/diagnostics.ts";
startDiagnostics({ program: "test", directory: ${JSON.stringify(directory)}, log: ${log}, dump: () => ({}) });
${statement}
setTimeout(() => {}, ${LIMIT_MS});`;
      const { status, stderr } = spawnSync(process.execPath, ["--import=tsx", "--input-type=module", "--eval", program], {
        encoding: "utf8",
      });
      assert.equal(status, 1, stderr);
      assert.match(stderr, /^test: fatal: Error: boom\n {4}at /);
      const reports = readdirSync(directory).sort();
      assert.equal(reports.length, 10);
      const newest = join(directory, reports.at(-1) ?? "");
      assert.match(readFileSync(newest, "utf8"), /^\S+Z test v\d+\.\S+\nError: boom\n {4}at /);
      assert.equal(statSync(newest).mode & 0o777, 0o600);
      assert.ok(!reports.includes(`test-crash-${1e12 + 2}.txt`));
    });
  }
});
