import type { ServiceSpec, UpdateConfig } from "../../../src/model/cluster.ts";
import { taskSpec } from "../cluster/simulated-cluster.ts";
import { brokenSlots } from "../cluster/simulated-executor.ts";
import { type Clients, RISKY_SERVICE } from "./clients.ts";
import type { World } from "./world.ts";

/** None of them could be the beginning of an id. */
const BLOBS = ["blob-a", "blob-b", "blob-c"] as const;
const SERVICES = ["service-1", "service-2"] as const;
/** A container that ends soon after its start is told of within this, also by way of a leader with a slow disk. */
const MONITOR_NS = 5e9;
const MEND_PERIOD_MS = 500;

/** People who use the cluster all the while: each asks one thing after another. */
export class Users {
  readonly #world: World;
  readonly #clients: Clients;
  #count = 0;
  isOver = false;

  constructor(world: World, clients: Clients) {
    this.#world = world;
    this.#clients = clients;
  }

  /** The services that are looked at most. */
  async deploy(): Promise<void> {
    const { random } = this.#world;
    const failing = {
      failureAction: random.pick(["pause", "continue", "rollback"] as const) ?? "pause",
      maxFailureRatio: random.pick([0, 0.25, 0.5]) ?? 0,
    };
    for (const [name, replicas, failure] of [
      ["app-web", 5, { failureAction: "continue", maxFailureRatio: 1 }],
      [RISKY_SERVICE, 4, failing],
    ] as const) {
      const order: UpdateConfig["order"] = random.chance(0.5) ? "start-first" : "stop-first";
      const parallelism = random.pick([1, 1, 2]) ?? 1;
      const update = { parallelism, delayNs: 0, order, monitorNs: MONITOR_NS, ...failure };
      await this.#clients.create("service", name, spec(name, { replicas, update, image: "app:1" }));
    }
    await this.#clients.create("service", "app-everywhere", {
      ...spec("app-everywhere", { replicas: 0 }),
      mode: { kind: "global" },
    });
  }

  /** @returns when all have had their last answer. */
  async run(): Promise<void> {
    await Promise.all([this.#ask("secret"), this.#ask("secret"), this.#ask("config"), this.#ask("service"), this.#operate()]);
  }

  async #ask(table: "secret" | "config" | "service"): Promise<void> {
    const { random, clock } = this.#world;
    while (!this.isOver) {
      const name = random.pick<string>(table === "service" ? SERVICES : BLOBS) ?? "blob-a";
      await this.#askOnce(table, name);
      await clock.sleep(random.between(5, table === "service" ? 1_500 : 500));
    }
  }

  async #askOnce(table: "secret" | "config" | "service", name: string): Promise<void> {
    const { random } = this.#world;
    const draw = random.fraction();
    if (draw < 0.25) await this.#clients.create(table, name, this.#spec(table, name));
    else if (draw < 0.4) await this.#clients.remove(table, name);
    else if (draw < 0.5 && table === "config") await this.#clients.list(table);
    else {
      const found = await this.#clients.inspect(table, name);
      if (found === undefined || random.chance(0.4)) return;
      const { spec: known } = found.object as { readonly spec: object };
      await this.#clients.update(table, found, { ...known, labels: { n: String(++this.#count) } });
    }
  }

  #spec(table: "secret" | "config" | "service", name: string): unknown {
    const labels = { n: String(++this.#count) };
    if (table !== "service") return { name, labels, data: Buffer.from("x") };
    return { ...spec(name, { replicas: this.#world.random.below(3) }), labels };
  }

  /** Scales and updates the services. */
  async #operate(): Promise<void> {
    const { random, clock } = this.#world;
    while (!this.isOver) {
      await clock.sleep(random.between(500, 4_000));
      const name = random.pick(["app-web", RISKY_SERVICE]) ?? "app-web";
      if (random.chance(0.4)) {
        const replicas = 1 + random.below(6);
        await this.#clients.change<ServiceSpec>("service", name, known => ({ ...known, mode: { kind: "replicated", replicas } }));
      } else {
        const image = name === RISKY_SERVICE && random.chance(0.5) ? `crash-${1 + random.below(4)}` : "app";
        await this.#clients.change<ServiceSpec>("service", name, known => withImage(known, `${image}:${++this.#count}`));
      }
    }
  }

  /** The service whose updates may fail is brought to an image that works; returns when it is to stay with it. */
  async mend(): Promise<void> {
    const { ledger, clock } = this.#world;
    for (;;) {
      const service = ledger.view.byName("service", RISKY_SERVICE);
      const { state } = service?.updateStatus ?? {};
      const isBroken = brokenSlots(service?.spec.task.container.image ?? "") > 0;
      if (isBroken || state === "paused" || state === "rollback_paused")
        await this.#clients.change<ServiceSpec>("service", RISKY_SERVICE, known => withImage(known, `app:${++this.#count}`));
      else if (state !== "updating" && state !== "rollback_started") return;
      await clock.sleep(MEND_PERIOD_MS);
    }
  }
}

export function withImage(known: ServiceSpec, image: string): ServiceSpec {
  return { ...known, task: { ...known.task, container: { ...known.task.container, image } } };
}

function spec(
  name: string,
  {
    replicas,
    update,
    image = "app:1",
  }: { readonly replicas: number; readonly update?: ServiceSpec["update"]; readonly image?: string },
): ServiceSpec {
  const task = { ...taskSpec(image), restart: { condition: "any", delayNs: 1e9 } } as const;
  return { name, labels: {}, mode: { kind: "replicated", replicas }, task, ...(update !== undefined && { update }) };
}
