import { errorMessage } from "../../lib/errors.ts";
import type { HealthState } from "../../model/container.ts";
import { probeNetwork } from "../health/network-probe.ts";
import { ProbeOutput } from "../health/output.ts";
import { type HealthSettings, healthSettings } from "../health/settings.ts";
import { healthAfter, healthAtStart, type ProbeResult } from "../health/state.ts";
import { hasEnded, readProcessStat } from "../runtime/process-stat.ts";
import { type ContainerContext, publish } from "./context.ts";
import type { ContainerEntry, ContainerRun } from "./entry.ts";
import type { ExecStore } from "./exec-store.ts";
import { withState } from "./record.ts";

export interface HealthMonitorOptions {
  readonly run: ContainerRun;
  readonly execs: Pick<ExecStore, "probe">;
  /** Called when it has become unhealthy. */
  readonly onUnhealthy: () => void;
}

/** Probes one run of a container until it ends or is paused. */
export class HealthMonitor {
  readonly #context: ContainerContext;
  readonly #entry: ContainerEntry;
  readonly #options: HealthMonitorOptions;
  readonly #settings: HealthSettings;
  readonly #end = new AbortController();

  private constructor(
    context: ContainerContext,
    entry: ContainerEntry,
    { settings, ...options }: HealthMonitorOptions & { readonly settings: HealthSettings },
  ) {
    this.#context = context;
    this.#entry = entry;
    this.#options = options;
    this.#settings = settings;
  }

  /** Goes on from the state that the record has. `undefined` when the container has no check. */
  static begin(context: ContainerContext, entry: ContainerEntry, options: HealthMonitorOptions): HealthMonitor | undefined {
    const settings = settingsOf(context, entry);
    if (settings === undefined) return undefined;
    const monitor = new HealthMonitor(context, entry, { ...options, settings });
    if (entry.state.health === undefined) entry.record = withState(entry.record, { health: healthAtStart(undefined) });
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
    const { startPeriodMs, startIntervalMs, intervalMs, retries } = this.#settings;
    const isStarting = () => clock.monotonicMs() - this.#options.run.startedAtMonotonicMs < startPeriodMs;
    for (;;) {
      const isQuick = isStarting() && this.#health.status === "starting";
      await clock.sleep(isQuick ? startIntervalMs : intervalMs, { signal });
      const wasStarting = isStarting();
      const probe = await this.#probe();
      if (signal.aborted) return;
      await this.#set(healthAfter(this.#health, { probe, retries, isStarting: wasStarting }));
    }
  }

  get #health(): HealthState {
    return this.#entry.state.health ?? healthAtStart(undefined);
  }

  /** Kept when the status changes; the log of probes is kept with the next change of any kind. */
  async #set(health: HealthState): Promise<void> {
    const before = this.#health.status;
    this.#entry.record = withState(this.#entry.record, { health });
    if (before === health.status) return;
    publish(this.#context, this.#entry, { action: `health_status: ${health.status}` });
    await this.#context.store.change(this.#entry, record => record);
    if (health.status === "unhealthy" && !this.#end.signal.aborted) this.#options.onUnhealthy();
  }

  async #probe(): Promise<ProbeResult> {
    const { clock } = this.#context;
    const startAtMs = clock.nowMs();
    const output = new ProbeOutput();
    const end = (exitCode: number, text: string): ProbeResult => ({ startAtMs, endAtMs: clock.nowMs(), exitCode, output: text });
    try {
      const exitCode = await (this.#settings.probe.kind === "exec" ? this.#execute(output) : this.#connect(output));
      if (exitCode !== "too-long") return end(exitCode, output.toString());
      const said = output.toString();
      const limit = formatDuration(this.#settings.timeoutMs);
      return end(-1, `Health check exceeded timeout (${limit})${said === "" ? "" : `: ${said}`}`);
    } catch (error) {
      return end(-1, errorMessage(error));
    }
  }

  #execute(output: ProbeOutput): Promise<number | "too-long"> {
    const { probe, timeoutMs } = this.#settings;
    const cmd = probe.kind === "exec" ? probe.command : [];
    return this.#options.execs.probe(this.#entry, {
      cmd,
      write: data => output.add(data),
      timeoutMs,
      signal: this.#end.signal,
    });
  }

  async #connect(output: ProbeOutput): Promise<number | "too-long"> {
    const { probe, timeoutMs } = this.#settings;
    const { shim } = this.#options.run;
    if (probe.kind === "exec") return -1;
    const timeout = this.#context.clock.timeout(timeoutMs);
    const signal = AbortSignal.any([timeout, this.#end.signal]);
    try {
      const stat = readProcessStat(shim.pid);
      // Its pid may be another process's by now, in another network.
      if (stat === undefined || stat.startTicks !== shim.pidStartTicks || hasEnded(stat)) throw new Error("it does not run");
      const target = { namespacePath: `/proc/${shim.pid}/ns/net`, address: probe.address, port: probe.port };
      return await probeNetwork({ probe, connect: options => this.#context.connectTcp(target, options), output, signal });
    } catch (error) {
      if (timeout.aborted) return "too-long";
      throw error;
    }
  }
}

/** An image may ask for a check of a kind that nobody knows: it then has none, as with Docker. */
function settingsOf(context: ContainerContext, entry: ContainerEntry): HealthSettings | undefined {
  try {
    return healthSettings(entry.record.container.config);
  } catch (error) {
    context.log.warn({ container: entry.id, error: errorMessage(error) }, "a container is not checked");
    return undefined;
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
