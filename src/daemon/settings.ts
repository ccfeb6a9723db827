import type { EngineEvent } from "../model/container.ts";
import { type ConfigSource, type DaemonConfig, loadValues, toConfig } from "./config.ts";
import type { Values } from "./config/options.ts";
import { reloadValues, waitingForRestart } from "./config/values.ts";
import { showMap } from "./config/value-kinds.ts";

/** The settings in force, and those that the file asks for now. */
export class Settings {
  readonly #source: ConfigSource;
  #values: Values;
  #current: DaemonConfig;
  #placement: Placement | undefined;

  private constructor(source: ConfigSource, values: Values) {
    this.#source = source;
    this.#values = values;
    this.#current = toConfig(values);
  }

  /** @throws OperationError `invalid` for flags and files that cannot be honoured. */
  static async load(source: ConfigSource): Promise<Settings> {
    return new Settings(source, await loadValues(source));
  }

  get current(): DaemonConfig {
    return this.#current;
  }

  /** What was found out from the settings for the life of this daemon: no reload changes it. */
  place(placement: Placement): void {
    this.#placement = placement;
    this.#current = { ...this.#current, ...placement };
  }

  get path(): string {
    return this.#source.path;
  }

  /** Reads the file again. Nothing has changed until `apply`. @throws OperationError `invalid`. */
  async next(): Promise<NextSettings> {
    const asked = await loadValues(this.#source);
    const values = reloadValues(this.#values, asked);
    return { values, config: { ...toConfig(values), ...this.#placement }, waiting: waitingForRestart(this.#values, asked) };
  }

  apply({ values, config }: NextSettings): void {
    this.#values = values;
    this.#current = config;
  }
}

/** Whose ids containers' are on the host, and so where their files lie. */
export type Placement = Pick<DaemonConfig, "dataRoot" | "idMap">;

export interface NextSettings {
  readonly values: Values;
  readonly config: DaemonConfig;
  /** Keys whose new value takes effect at the next start alone. */
  readonly waiting: readonly string[];
}

/** What the `reload` event says, as dockerd's. */
export function reloadAttributes(
  config: DaemonConfig,
  {
    hostname,
    defaultRuntime,
    cgroupnsMode,
  }: { readonly hostname: string; readonly defaultRuntime: string; readonly cgroupnsMode: string },
): EngineEvent["attributes"] {
  const { containers, registry } = config;
  return {
    name: hostname,
    debug: String(config.isDebug),
    "default-cgroupns-mode": containers.cgroupnsMode || cgroupnsMode,
    "default-ipc-mode": containers.ipcMode,
    "default-runtime": defaultRuntime,
    "default-shm-size": String(containers.shmSizeBytes),
    features: showMap(config.features),
    "insecure-registries": JSON.stringify(registry.insecure),
    labels: JSON.stringify(config.labels),
    "live-restore": String(config.liveRestore),
    "max-concurrent-downloads": String(registry.concurrentDownloadsMax),
    "max-concurrent-uploads": String(registry.concurrentUploadsMax),
    "max-download-attempts": String(registry.downloadAttemptsMax),
    "registry-mirrors": JSON.stringify(registry.mirrors),
    runtimes: Object.entries(config.runtimes)
      .map(([name, { path }]) => `${name}:${path}`)
      .join(" "),
    "shutdown-timeout": String(Number.isFinite(config.shutdownTimeoutSeconds) ? config.shutdownTimeoutSeconds : -1),
  };
}
