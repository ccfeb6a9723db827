import type { SystemInfo } from "../api/backends.ts";
import { OperationError } from "../lib/errors.ts";
import { configuredRuntime, type ProbedRuntimes } from "../engine/runtime/probe.ts";
import { isBuiltIn, type OciRuntime } from "../engine/runtime/runtime-command.ts";
import { prepareRuntime } from "../engine/runtime/runtime-notes.ts";
import { weaknessOf } from "../engine/runtime/weaknesses.ts";
import type { DaemonConfig } from "./config.ts";

interface CatalogOptions {
  readonly config: DaemonConfig;
  readonly runDirectory: string;
  readonly noted: readonly OciRuntime[];
}

/** The runtimes that containers may name, as the settings have them now. */
export class RuntimeCatalog {
  readonly #probed: ProbedRuntimes;
  readonly #runDirectory: string;
  /** Also those that a reload or a restart took away: containers that were made with one go on. */
  readonly #all: Map<string, OciRuntime>;
  #offered: ReadonlySet<string>;
  #defaultName: string;

  /**
   * @param options.noted - Those that earlier daemons had.
   * @throws OperationError `invalid` for a default that is not among them.
   */
  constructor(probed: ProbedRuntimes, { config, runDirectory, noted }: CatalogOptions) {
    this.#probed = probed;
    this.#runDirectory = runDirectory;
    this.#all = new Map([...noted.map(runtime => [runtime.name, runtime] as const), ...probed.runtimes]);
    this.#offered = new Set(probed.runtimes.keys());
    this.#defaultName = this.#defaultOf(config, this.#offered);
  }

  get all(): ReadonlyMap<string, OciRuntime> {
    return this.#all;
  }

  get defaultName(): string {
    return this.#defaultName;
  }

  has(name: string): boolean {
    return this.#offered.has(name);
  }

  /** @throws OperationError `invalid`; nothing has changed then. */
  async reconfigure(config: DaemonConfig): Promise<void> {
    const configured = Object.entries(config.runtimes).map(([name, program]) =>
      configuredRuntime(name, program, this.#runDirectory),
    );
    const builtIn = [...this.#probed.runtimes.keys()].filter(isBuiltIn);
    const offered = new Set([...builtIn, ...configured.map(({ name }) => name)]);
    const defaultName = this.#defaultOf(config, offered);
    for (const runtime of configured) await prepareRuntime(runtime);
    for (const runtime of configured) this.#all.set(runtime.name, runtime);
    this.#offered = offered;
    this.#defaultName = defaultName;
  }

  /** What is known of those that containers may name, by name. */
  get weaknesses(): ReadonlyMap<string, string> {
    const known = [...this.#offered].map(name => [name, this.#weaknessOf(name)] as const);
    return new Map(known.flatMap(([name, weakness]) => (weakness === undefined ? [] : [[name, weakness]])));
  }

  /** For `info`: of the one that containers get who name none. */
  get warnings(): readonly string[] {
    const weakness = this.#weaknessOf(this.#defaultName);
    return weakness === undefined ? [] : [`WARNING: ${weakness}`];
  }

  #weaknessOf(name: string): string | undefined {
    const version = this.#probed.versions.get(name);
    return version === undefined ? undefined : weaknessOf(version);
  }

  /** For `info`. */
  describe(): SystemInfo["runtimes"] {
    return Object.fromEntries(
      [...this.#all.values()]
        .filter(({ name }) => this.has(name))
        .map(({ name, path }) => {
          const { version = "", features } = this.#probed.versions.get(name) ?? {};
          return [name, { path, version, features }];
        }),
    );
  }

  #defaultOf({ defaultRuntime = this.#probed.defaultRuntime }: DaemonConfig, offered: ReadonlySet<string>): string {
    if (offered.has(defaultRuntime)) return defaultRuntime;
    const reason = this.#probed.refused.get(defaultRuntime);
    const because = reason === undefined ? "does not exist" : `does not work here: ${reason}`;
    throw new OperationError("invalid", `specified default runtime '${defaultRuntime}' ${because}`);
  }
}
