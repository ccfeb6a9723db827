import { randomBytes } from "node:crypto";
import { allDone } from "../../src/lib/all-done.ts";
import { Disposal } from "../../src/lib/disposal.ts";
import { type Engine, startHosts, stopHosts } from "../oracle/engines.ts";
import { Registry, REGISTRY } from "./registry.ts";
import type { Host, HostWithOthers } from "./stage.ts";

const FIRST = "m1";
const WORKERS = 3;

/** Some hosts of the real engine and as many of ours side by side, each first one with a registry within reach. Disposing takes all away. */
export class Hosts implements AsyncDisposable {
  readonly real: HostWithOthers;
  readonly ours: HostWithOthers;
  readonly #cleanUp: Disposal;

  private constructor({ real, ours }: { readonly real: Engine; readonly ours: Engine }, cleanUp: Disposal) {
    this.real = withOthers(real);
    this.ours = withOthers(ours);
    this.#cleanUp = cleanUp;
  }

  /** @throws Error when the real one cannot run on this system. */
  static async start(): Promise<Hosts> {
    const suffix = randomBytes(2).toString("hex");
    const names = { lab: `c${suffix}`, peer: `q${suffix}` };
    const cleanUp = new Disposal();
    cleanUp.use({ [Symbol.asyncDispose]: () => stopHosts(names, { workers: WORKERS }) });
    try {
      const engines = await startHosts(names, { workers: WORKERS });
      const namespaces = [`oracle-${names.peer}${FIRST}`, `shoal-${names.lab}-${FIRST}`];
      await allDone(namespaces.map(async namespace => void cleanUp.use(await Registry.start(namespace))));
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

function withOthers(engine: Engine): HostWithOthers {
  const others = [...engine.others].flatMap(([name, other]) => (name === FIRST ? [] : [hostOf(other)]));
  return { ...hostOf(engine), others };
}

function hostOf({ name, dockerHost, address, daemon }: Engine): Host {
  const restart = () => daemon.restart();
  return { name, socketPath: dockerHost.replace("unix://", ""), address, registry: REGISTRY, restart };
}
