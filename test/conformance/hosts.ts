import { randomBytes } from "node:crypto";
import { Disposal } from "../../src/lib/disposal.ts";
import { type Engine, startEngines, stopEngines } from "../oracle/engines.ts";
import { Registry, REGISTRY } from "./registry.ts";
import type { Host } from "./stage.ts";

/** The real engine and ours side by side, each with a registry within reach. Disposing takes all away. */
export class Hosts implements AsyncDisposable {
  readonly real: Host;
  readonly ours: Host;
  readonly #cleanUp: Disposal;

  private constructor({ real, ours }: { readonly real: Engine; readonly ours: Engine }, cleanUp: Disposal) {
    this.real = hostOf(real);
    this.ours = hostOf(ours);
    this.#cleanUp = cleanUp;
  }

  /** @throws Error when the real one cannot run on this system. */
  static async start(): Promise<Hosts> {
    const suffix = randomBytes(2).toString("hex");
    const names = { lab: `c${suffix}`, peer: `q${suffix}` };
    const cleanUp = new Disposal();
    cleanUp.use({ [Symbol.asyncDispose]: () => Promise.resolve(stopEngines(names)) });
    try {
      const engines = startEngines(names);
      for (const namespace of [`oracle-${names.peer}`, `shoal-${names.lab}-m1`]) cleanUp.use(await Registry.start(namespace));
      return new Hosts(engines, cleanUp);
    } catch (error) {
      await cleanUp[Symbol.asyncDispose]();
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#cleanUp[Symbol.asyncDispose]();
  }
}

function hostOf({ name, dockerHost }: Engine): Host {
  const address = name === "real" ? "127.0.0.1" : "10.99.0.11";
  return { name, socketPath: dockerHost.replace("unix://", ""), address, registry: REGISTRY };
}
