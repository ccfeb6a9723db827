import { errorMessage, OperationError } from "../../lib/errors.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import { findPlugin, type PluginAddress, type PluginDirectories } from "./plugin-address.ts";
import { callPlugin, PluginAwayError } from "./plugin-call.ts";

const BACKOFF_FIRST_MS = 100;
/** How long a plugin that is away is waited for. @see dockerd, which waits 15 s in all. */
const AWAY_MS = 15_000;

export interface PluginParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly directories?: PluginDirectories;
}

/** An authorization plugin, found and greeted when it is first needed. */
export class AuthorizationPlugin {
  readonly name: string;
  readonly #parts: PluginParts;
  #address: Promise<PluginAddress> | undefined;

  constructor(name: string, parts: PluginParts) {
    this.name = name;
    this.#parts = parts;
  }

  /** @throws Error when it is not there in time, or is no authorization plugin. */
  async activate(): Promise<void> {
    await this.#whilePatient(() => this.#activated());
  }

  /** @throws Error when it is not there in time. */
  async call(path: string, body: unknown): Promise<Readonly<Record<string, unknown>>> {
    return this.#whilePatient(async () => {
      try {
        return await callPlugin(await this.#activated(), path, body);
      } catch (error) {
        if (error instanceof PluginAwayError) this.#address = undefined; // It may come back elsewhere.
        throw error;
      }
    });
  }

  #activated(): Promise<PluginAddress> {
    const address = (this.#address ??= this.#greet());
    address.catch(() => (this.#address = undefined));
    return address;
  }

  async #greet(): Promise<PluginAddress> {
    const address = await findPlugin(this.name, this.#parts.directories);
    const { Implements: roles } = await callPlugin(address, "/Plugin.Activate", undefined);
    if (!Array.isArray(roles) || !roles.includes("authz")) {
      throw new OperationError("invalid", `plugin ${JSON.stringify(this.name)} does not implement authz`);
    }
    return address;
  }

  async #whilePatient<T>(attempt: () => Promise<T>): Promise<T> {
    const { clock, log } = this.#parts;
    const deadlineMs = clock.monotonicMs() + AWAY_MS;
    for (let backoffMs = BACKOFF_FIRST_MS; ; backoffMs *= 2) {
      try {
        return await attempt();
      } catch (error) {
        const isAway = error instanceof PluginAwayError || (error instanceof OperationError && error.kind === "not-found");
        if (!isAway || clock.monotonicMs() + backoffMs > deadlineMs) throw error;
        log.warn({ plugin: this.name, error: errorMessage(error), backoffMs }, "Unable to connect to plugin, retrying");
        await clock.sleep(backoffMs);
      }
    }
  }
}
