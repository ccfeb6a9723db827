// The manager process of a host: started by shoald, ends with it.
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { defined } from "../lib/assert.ts";
import { errorMessage, OperationError } from "../lib/errors.ts";
import { systemClock } from "../system/clock.ts";
import { openDisk } from "../system/disk.ts";
import { lockFile } from "../system/file-lock.ts";
import { systemRandom } from "../system/random.ts";
import { streamOverFd } from "../system/fd-stream.ts";
import { isOneOf, LOG_LEVELS } from "./config/check.ts";
import { startDiagnostics } from "./diagnostics.ts";
import { createLog } from "./logger.ts";
import { type Manager, startManager } from "./manager/manager.ts";
import type { ManagerOptions } from "./manager/options.ts";
import { formatReport, MANAGER_COMMANDS, type ManagerKeys, parseKeys, REPORTS_FD } from "./manager/pipe.ts";
import { NodeFiles } from "./swarm/node-files.ts";
import type { KeyReport } from "./swarm/node-keys.ts";
import { VERSION } from "./version.ts";

/** How long an earlier manager may take to end before this one gives up. */
const LOCK_WAIT_MS = 5_000;

// Until diagnostics have their own handler: Node's default opens a debugger port.
process.on("SIGUSR1", () => {});

async function main(): Promise<void> {
  if (process.argv[2] === "--version") {
    console.log(`manager version ${VERSION}`);
    return;
  }
  const options = JSON.parse(process.argv[2] ?? "") as ManagerOptions;
  const log = createLog({ program: "manager", level: options.logLevel, format: options.logFormat, file: options.logFile });
  const running: { manager?: Manager } = {};
  startDiagnostics({
    program: "manager",
    directory: options.crashDirectory,
    log,
    dump: () => running.manager?.dump() ?? { starting: true },
  });
  // shoald stops it by its command; a signal to the whole group is for shoald to act on.
  process.on("SIGTERM", () => {});
  process.on("SIGINT", () => {});
  const reports = streamOverFd(REPORTS_FD, { isReadable: false, isWritable: true });
  reports.on("error", () => {}); // shoald has ended: so does this process, as the other pipe tells it.
  const commands = createInterface({ input: process.stdin });
  let isStopping = false;
  let newest: ManagerKeys | undefined;
  const firstKeys = new Promise<void>(resolve => {
    commands.on("line", line => {
      if (!line.startsWith(`${MANAGER_COMMANDS.keys} `)) return;
      newest = parseKeys(line.slice(MANAGER_COMMANDS.keys.length + 1));
      running.manager?.setKeys(newest);
      resolve();
    });
  });
  commands.on("line", line => {
    const [command, argument = ""] = line.split(" ");
    if (command === MANAGER_COMMANDS.logLevel && isOneOf(LOG_LEVELS, argument)) {
      log.setLevel(argument);
      log.info({ level: argument }, "the log's level has changed");
    } else if (command === MANAGER_COMMANDS.stop && !isStopping) {
      isStopping = true;
      void stop(running.manager, log).finally(() => process.exit(0));
    }
  });
  // The pipe closes when shoald is gone: at once, since the next one starts a manager of its own.
  commands.on("close", () => {
    if (!isStopping) process.exit(1);
  });

  const disk = openDisk({ root: "/" });
  const files = new NodeFiles({ dataRoot: options.dataRoot, disk });
  await mkdir(files.managerDirectory, { recursive: true, mode: 0o700 });
  await lockFile(join(files.managerDirectory, "lock"), { clock: systemClock, waitMs: LOCK_WAIT_MS });
  await firstKeys;
  const keys = defined(newest, "keys");
  const report = (told: KeyReport) => void reports.write(`${formatReport(told)}\n`);
  const world = { files, disk, clock: systemClock, random: systemRandom, log };
  running.manager = await startManager({ options, keys, report, ...world });
  if (newest !== undefined && newest !== keys) running.manager.setKeys(newest); // They changed while it started.
  log.info({ node: options.nodeId, raftId: options.raftId }, "manager ready");
}

async function stop(manager: Manager | undefined, log: ReturnType<typeof createLog>): Promise<void> {
  try {
    await manager?.handOver();
  } catch (error) {
    log.warn({ error: errorMessage(error) }, "leadership was not handed over");
  }
  await manager?.[Symbol.asyncDispose]();
}

main().catch((error: unknown) => {
  process.stderr.write(
    `manager: ${error instanceof OperationError ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
  );
  process.exit(1);
});
