import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import type { ChildProcess, Spawner } from "../../ports/process.ts";
import type { LogLevel } from "../config.ts";
import { MANAGER_COMMANDS, type ManagerOptions } from "../manager/options.ts";

const PROGRAM = join(dirname(fileURLToPath(import.meta.url)), "manager.mjs");
const BACKOFF_FIRST_MS = 100;
const BACKOFF_MAX_MS = 10_000;
/** A manager that ran for so long has not failed at its start. */
const STEADY_MS = 10_000;
const STOP_MS = 10_000;
const SIGKILL = 9;
const STDERR = 2;

/** The manager of this node, started again whenever it ends by itself. */
export class ManagerProcess implements AsyncDisposable {
  readonly #spawner: Spawner;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #options: Omit<ManagerOptions, "logLevel">;
  readonly #logLevel: () => LogLevel;
  readonly #stopping = new AbortController();
  readonly #running: Promise<void>;
  #starting: Promise<ChildProcess> | undefined;
  #child: ChildProcess | undefined;

  constructor({
    spawner,
    clock,
    log,
    options,
    logLevel,
  }: {
    readonly spawner: Spawner;
    readonly clock: Clock;
    readonly log: Log;
    readonly options: Omit<ManagerOptions, "logLevel">;
    readonly logLevel: () => LogLevel;
  }) {
    this.#logLevel = logLevel;
    this.#spawner = spawner;
    this.#clock = clock;
    this.#log = log;
    this.#options = options;
    this.#running = this.#run();
  }

  /** It reads its certificate again. */
  reload(): void {
    this.#tell(MANAGER_COMMANDS.reload);
  }

  logLevelChanged(): void {
    this.#tell(`${MANAGER_COMMANDS.logLevel} ${this.#logLevel()}`);
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    let backoffMs = BACKOFF_FIRST_MS;
    while (!signal.aborted) {
      const startedMs = this.#clock.monotonicMs();
      this.#starting = this.#spawner.spawn({
        file: process.execPath,
        args: [PROGRAM, JSON.stringify({ ...this.#options, logLevel: this.#logLevel() } satisfies ManagerOptions)],
        stdio: ["pipe-to-child", { fd: STDERR }, { fd: STDERR }],
        env: { PATH: process.env["PATH"] ?? "/usr/sbin:/usr/bin:/sbin:/bin" },
      });
      const child = await this.#starting;
      this.#child = child;
      child.pipes[0]?.on("error", () => {}); // It has ended: `exit` says so.
      const exitCode = await child.exit;
      this.#child = undefined;
      if (signal.aborted) return;
      backoffMs = this.#clock.monotonicMs() - startedMs > STEADY_MS ? BACKOFF_FIRST_MS : Math.min(backoffMs * 2, BACKOFF_MAX_MS);
      this.#log.error({ exitCode, backoffMs }, "the manager ended; it is started again");
      await this.#clock.sleep(backoffMs, { signal }).catch(() => undefined);
    }
  }

  /** Leadership is handed over first. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    await this.#starting?.catch(() => undefined); // `#running` says so.
    const child = this.#child;
    if (child !== undefined) {
      this.#tell(MANAGER_COMMANDS.stop);
      const isLate = this.#clock.sleep(STOP_MS).then(() => child.kill(SIGKILL));
      await Promise.race([child.exit, isLate]);
    }
    await this.#running;
  }

  #tell(command: string): void {
    this.#child?.pipes[0]?.write(`${command}\n`);
  }
}
