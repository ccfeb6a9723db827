// One manager of the bench: the product's own composition, with ears.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { ManagerOptions } from "../../../src/daemon/manager/options.ts";
import { startManager } from "../../../src/daemon/manager/manager.ts";
import { parseKeyFile } from "../../../src/daemon/swarm/key-file.ts";
import { NodeFiles } from "../../../src/daemon/swarm/node-files.ts";
import type { Log } from "../../../src/ports/log.ts";
import { systemClock } from "../../../src/system/clock.ts";
import { openDisk } from "../../../src/system/disk.ts";
import { systemRandom } from "../../../src/system/random.ts";
import { answer } from "./child.ts";
import type { ManagerCall, ManagerFigures } from "./protocol.ts";
import { StallProbe } from "./stalls.ts";

declare const gc: () => void;

const options = JSON.parse(process.argv[2] ?? "") as ManagerOptions;
const disk = openDisk({ root: "/" });
const files = new NodeFiles({ dataRoot: options.dataRoot, disk });
let turns = { count: 0, changes: 0, totalMs: 0, worstMs: 0 };

function debug(fields: Readonly<Record<string, unknown>>, message: string): void {
  if (message !== "a turn is planned") return;
  const [ms, changes] = [Number(fields["ms"]), Number(fields["changes"])];
  turns = {
    count: turns.count + 1,
    changes: turns.changes + changes,
    totalMs: turns.totalMs + ms,
    worstMs: Math.max(turns.worstMs, ms),
  };
}

const say = (fields: Readonly<Record<string, unknown>>, message: string): void =>
  console.error(`manager ${options.raftId}: ${message} ${JSON.stringify(fields)}`);
const log: Log = { debug, info: process.env["VERBOSE"] === undefined ? () => {} : say, warn: say, error: say };

const stalls = new StallProbe();
const keyFile = parseKeyFile(readFileSync(join(files.directory, "identity.json"), "utf8"));
if (keyFile.kind !== "open") throw new Error("the manager's keys are locked");
const world = { files, disk, clock: systemClock, random: systemRandom, log };
const manager = await startManager({ options, keys: keyFile.keys, report: () => {}, ...world });
stalls.start();

answer<ManagerCall>(({ collects, beginsAnew, looksForStalls }) => {
  const stall = stalls.worst;
  if (collects) for (let round = 0; round < 3; round++) gc();
  const { rss, heapUsed, external } = process.memoryUsage();
  const { user, system } = process.cpuUsage();
  const { consensus } = manager.dump() as { readonly consensus: { role: string; term: number; appliedIndex: number } };
  const { role, term, appliedIndex } = consensus;
  const figures = { rssBytes: rss, heapBytes: heapUsed + external, cpuMs: (user + system) / 1_000, stall, turns };
  if (beginsAnew) {
    turns = { count: 0, changes: 0, totalMs: 0, worstMs: 0 };
    stalls.beginAnew(); // Also what a collection took: that was the bench's doing.
  }
  if (looksForStalls) stalls.resume();
  else stalls.pause();
  return { ...figures, role, term, appliedIndex } satisfies ManagerFigures;
});
