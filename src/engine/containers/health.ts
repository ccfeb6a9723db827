import { errorMessage } from "../../lib/errors.ts";
import type { Healthcheck } from "../../model/cluster.ts";
import type { ContainerConfig, ExecConfig, HealthState } from "../../model/container.ts";
import { type ContainerContext, publish } from "./context.ts";
import type { ContainerEntry, ContainerRun } from "./entry.ts";
import { settledBy } from "./make-run.ts";
import { withState } from "./record.ts";

const MS_PER_NS = 1e-6;
const INTERVAL_MS = 30_000;
const TIMEOUT_MS = 30_000;
const START_INTERVAL_MS = 5000;
const RETRIES = 3;
const PROBES_KEPT = 5;
const OUTPUT_BYTES_MAX = 4096;
/** How long a probe that was killed may take to be gone. */
const KILL_WAIT_MS = 1000;

export interface HealthSettings {
  readonly command: readonly string[];
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly startPeriodMs: number;
  readonly startIntervalMs: number;
  readonly retries: number;
}

/** `undefined`: the container has no check. */
export function healthSettings({
  healthcheck,
  shell,
}: Pick<ContainerConfig, "healthcheck" | "shell">): HealthSettings | undefined {
  const command = probeCommand(healthcheck, shell);
  if (command === undefined) return undefined;
  const ms = (ns: number | undefined, fallback: number) => (ns === undefined || ns === 0 ? fallback : ns * MS_PER_NS);
  return {
    command,
    intervalMs: ms(healthcheck?.intervalNs, INTERVAL_MS),
    timeoutMs: ms(healthcheck?.timeoutNs, TIMEOUT_MS),
    startPeriodMs: ms(healthcheck?.startPeriodNs, 0),
    startIntervalMs: ms(healthcheck?.startIntervalNs, START_INTERVAL_MS),
    retries: healthcheck?.retries || RETRIES,
  };
}

function probeCommand(
  healthcheck: Healthcheck | undefined,
  shell: readonly string[] = ["/bin/sh", "-c"],
): readonly string[] | undefined {
  const [kind, ...rest] = healthcheck?.test ?? [];
  if (kind === "CMD") return rest;
  return kind === "CMD-SHELL" ? [...shell, ...rest.slice(0, 1)] : undefined;
}

export interface Probe {
  readonly startAtMs: number;
  readonly endAtMs: number;
  readonly exitCode: number;
  readonly output: string;
}

/** The state after one more probe. A failure while the container starts up does not count. */
export function healthAfter(
  before: HealthState,
  { probe, retries, isStarting }: { readonly probe: Probe; readonly retries: number; readonly isStarting: boolean },
): HealthState {
  const log = [...before.log, probe].slice(-PROBES_KEPT);
  if (probe.exitCode === 0) return { status: "healthy", failingStreak: 0, log };
  if (before.status === "starting" && isStarting) return { ...before, log };
  const failingStreak = before.failingStreak + 1;
  return { status: failingStreak >= retries ? "unhealthy" : before.status, failingStreak, log };
}

/** Probes one run of a container until it ends. */
export class HealthMonitor {
  readonly #context: ContainerContext;
  readonly #entry: ContainerEntry;
  readonly #run: ContainerRun;
  readonly #settings: HealthSettings;
  readonly #end = new AbortController();

  private constructor(
    context: ContainerContext,
    entry: ContainerEntry,
    { run, settings }: { readonly run: ContainerRun; readonly settings: HealthSettings },
  ) {
    this.#context = context;
    this.#entry = entry;
    this.#run = run;
    this.#settings = settings;
  }

  /** `undefined` when the container has no check. */
  static begin(context: ContainerContext, entry: ContainerEntry, run: ContainerRun): HealthMonitor | undefined {
    const settings = healthSettings(entry.record.container.config);
    if (settings === undefined) return undefined;
    const monitor = new HealthMonitor(context, entry, { run, settings });
    monitor.#set({ status: "starting", failingStreak: 0, log: [] });
    monitor.#loop().catch((error: unknown) => {
      if (!monitor.#end.signal.aborted)
        context.log.error({ container: entry.id, error: errorMessage(error) }, "health checks ended");
    });
    return monitor;
  }

  end(): void {
    this.#end.abort();
  }

  async #loop(): Promise<void> {
    const { clock } = this.#context;
    const { signal } = this.#end;
    const startedMs = clock.monotonicMs();
    const { startPeriodMs, startIntervalMs, intervalMs, retries } = this.#settings;
    for (;;) {
      const isStarting = () => clock.monotonicMs() - startedMs < startPeriodMs;
      const isQuick = isStarting() && this.#health.status === "starting";
      await clock.sleep(isQuick ? startIntervalMs : intervalMs, { signal });
      if (this.#entry.state.status !== "running") continue;
      const probe = await this.#probe();
      if (signal.aborted) return;
      this.#set(healthAfter(this.#health, { probe, retries, isStarting: isStarting() }));
    }
  }

  get #health(): HealthState {
    return this.#entry.state.health ?? { status: "starting", failingStreak: 0, log: [] };
  }

  /** In memory alone: after a restart of the daemon probes begin anew. */
  #set(health: HealthState): void {
    const before = this.#entry.state.health?.status;
    this.#entry.record = withState(this.#entry.record, { health });
    if (before !== undefined && before !== health.status && health.status !== "starting") {
      publish(this.#context, this.#entry, { action: `health_status: ${health.status}` });
    }
  }

  async #probe(): Promise<Probe> {
    const { clock } = this.#context;
    const startAtMs = clock.nowMs();
    const output: Uint8Array[] = [];
    const end = (exitCode: number, text?: string): Probe => ({
      startAtMs,
      endAtMs: clock.nowMs(),
      exitCode,
      output: text ?? Buffer.concat(output).subarray(0, OUTPUT_BYTES_MAX).toString("utf8"),
    });
    try {
      return end(await this.#execute(output));
    } catch (error) {
      return end(-1, errorMessage(error));
    }
  }

  async #execute(output: Uint8Array[]): Promise<number> {
    const { specs, shim, clock } = { ...this.#context, shim: this.#run.shim };
    const { container } = this.#entry.record;
    const config: ExecConfig = {
      cmd: this.#settings.command,
      env: [],
      user: "",
      workingDir: "",
      tty: false,
      privileged: false,
      attachStdin: false,
      attachStdout: true,
      attachStderr: true,
      detachKeys: "",
    };
    const process = await shim.exec({
      process: await specs.exec({ container, config, rootfsPath: this.#run.rootfsPath }),
      isTty: false,
      hasStdin: false,
    });
    let bytes = 0;
    process.subscribe(
      (_stream, data) => {
        if (bytes < OUTPUT_BYTES_MAX) output.push(data);
        bytes += data.length;
      },
      () => {},
    );
    const timeout = AbortSignal.any([clock.timeout(this.#settings.timeoutMs), this.#end.signal]);
    let exitCode: number | undefined;
    const exit = process.exit.then(code => (exitCode = code));
    await settledBy(exit, timeout);
    if (exitCode !== undefined) return exitCode;
    if (!timeout.aborted) return exit;
    process.kill(9);
    await settledBy(exit, clock.timeout(KILL_WAIT_MS));
    throw new Error(`Health check exceeded timeout (${formatDuration(this.#settings.timeoutMs)})`);
  }
}

/** As Go prints durations: `1m30s`, `500ms`. */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${ms}ms`;
  const seconds = ms / 1000;
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor((seconds % 3600) / 60);
  return `${hours > 0 ? `${hours}h` : ""}${hours > 0 || minutes > 0 ? `${minutes}m` : ""}${seconds % 60}s`;
}
