import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import type { ChildProcess, Spawner } from "../../ports/process.ts";
import type { LogLevel } from "../config.ts";
import { MANAGER_ENVIRONMENT, MANAGER_NODE_FLAGS, type ManagerOptions } from "../manager/options.ts";
import { formatKeys, MANAGER_COMMANDS, type ManagerKeys, parseReport, REPORTS_FD } from "../manager/pipe.ts";
import type { KeyReport } from "./node-keys.ts";

const PROGRAM = join(dirname(fileURLToPath(import.meta.url)), "../bin/manager");
const BACKOFF_FIRST_MS = 100;
const BACKOFF_MAX_MS = 10_000;
/** A manager that ran for so long has not failed at its start. */
const STEADY_MS = 10_000;
const STOP_MS = 10_000;
const SIGKILL = 9;
const STDERR = 2;

export interface ManagerProcessOptions {
  readonly spawner: Spawner;
  readonly clock: Clock;
  readonly log: Log;
  readonly options: Omit<ManagerOptions, "logLevel">;
  readonly logLevel: () => LogLevel;
  /** As they are on disk by now: asked when a manager starts and by `keysChanged`. */
  readonly keys: () => ManagerKeys;
  readonly onReport: (report: KeyReport) => void;
}

/** The manager of this node, started again whenever it ends by itself. */
export class ManagerProcess implements AsyncDisposable {
  readonly #setup: ManagerProcessOptions;
  readonly #stopping = new AbortController();
  readonly #running: Promise<void>;
  #starting: Promise<ChildProcess> | undefined;
  #child: ChildProcess | undefined;

  constructor(setup: ManagerProcessOptions) {
    this.#setup = setup;
    this.#running = this.#run();
  }

  /** The running manager gets them. */
  keysChanged(): void {
    this.#tell(`${MANAGER_COMMANDS.keys} ${formatKeys(this.#setup.keys())}`);
  }

  logLevelChanged(): void {
    this.#tell(`${MANAGER_COMMANDS.logLevel} ${this.#setup.logLevel()}`);
  }

  async #run(): Promise<void> {
    const { spawner, clock, log, options, logLevel } = this.#setup;
    const { signal } = this.#stopping;
    let backoffMs = BACKOFF_FIRST_MS;
    while (!signal.aborted) {
      const startedMs = clock.monotonicMs();
      this.#starting = spawner.spawn({
        file: process.execPath,
        args: [...MANAGER_NODE_FLAGS, PROGRAM, JSON.stringify({ ...options, logLevel: logLevel() } satisfies ManagerOptions)],
        stdio: ["pipe-to-child", { fd: STDERR }, { fd: STDERR }, "pipe-from-child"],
        env: { ...MANAGER_ENVIRONMENT, PATH: process.env["PATH"] ?? "/usr/sbin:/usr/bin:/sbin:/bin" },
      });
      const child = await this.#starting;
      this.#child = child;
      child.pipes[0]?.on("error", () => {}); // It has ended: `exit` says so.
      this.#listen(child);
      this.keysChanged();
      const exitCode = await child.exit;
      this.#child = undefined;
      if (signal.aborted) return;
      backoffMs = clock.monotonicMs() - startedMs > STEADY_MS ? BACKOFF_FIRST_MS : Math.min(backoffMs * 2, BACKOFF_MAX_MS);
      log.error({ exitCode, backoffMs }, "the manager ended; it is started again");
      await clock.sleep(backoffMs, { signal }).catch(() => undefined);
    }
  }

  #listen(child: ChildProcess): void {
    const reports = child.pipes[REPORTS_FD];
    if (reports === undefined) return;
    reports.on("error", () => {}); // As above.
    createInterface({ input: reports }).on("line", line => this.#setup.onReport(parseReport(line)));
  }

  /** Leadership is handed over first. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    await this.#starting?.catch(() => undefined); // `#running` says so.
    const child = this.#child;
    if (child !== undefined) {
      this.#tell(MANAGER_COMMANDS.stop);
      const isLate = this.#setup.clock.sleep(STOP_MS).then(() => child.kill(SIGKILL));
      await Promise.race([child.exit, isLate]);
    }
    await this.#running;
  }

  #tell(command: string): void {
    this.#child?.pipes[0]?.write(`${command}\n`);
  }
}
