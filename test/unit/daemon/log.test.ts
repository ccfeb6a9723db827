import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LogFile } from "../../../src/daemon/log-file.ts";
import { createLog } from "../../../src/daemon/logger.ts";
import { textLine } from "../../../src/daemon/log-text.ts";

describe("the daemon's own log", () => {
  let directory: string;
  beforeEach(() => (directory = mkdtempSync(join(tmpdir(), "shoal-log-"))));
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  it("keeps three files of a bounded size, no line cut or lost among those kept", () => {
    const path = join(directory, "shoald.log");
    const lines = Array.from({ length: 100 }, (_, number) => `line ${number}\n`);
    for (const [number, line] of lines.entries()) {
      // Opened anew now and then, as by a daemon that is started again.
      if (number % 20 === 0) file = new LogFile(path, { bytesMax: 200 });
      file?.write(line);
    }
    assert.deepEqual(readdirSync(directory).sort(), ["shoald.log", "shoald.log.1", "shoald.log.2"]);
    const kept = ["shoald.log.2", "shoald.log.1", "shoald.log"].map(name => readFileSync(join(directory, name), "utf8"));
    for (const name of readdirSync(directory)) assert.ok(statSync(join(directory, name)).size <= 200);
    assert.ok(lines.join("").endsWith(kept.join("")));
    assert.ok(kept.join("").length > 350);
  });
  let file: LogFile | undefined;

  it("changes its level while it runs", () => {
    const path = join(directory, "shoald.log");
    const log = createLog({ program: "shoald", level: "info", format: "json", file: path });
    log.debug({}, "one");
    log.setLevel("debug");
    log.debug({ n: 1 }, "two");
    const entries = readFileSync(path, "utf8")
      .trim()
      .split("\n")
      .map(line => JSON.parse(line) as { msg: string; n: number });
    assert.deepEqual(
      entries.map(({ msg, n }) => [msg, n]),
      [["two", 1]],
    );
  });

  it("writes text as dockerd does", () => {
    const entry = { level: 40, time: 1_795_741_561_219, program: "shoald", pid: 7, path: "/a b", n: 3, msg: 'say "x"' };
    assert.equal(
      textLine(JSON.stringify(entry)),
      'time="2026-11-27T01:06:01.219Z" level=warning msg="say \\"x\\"" path="/a b" n=3\n',
    );
  });
});
