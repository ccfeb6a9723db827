import { call, newRequestId, ok, type ServiceJson, serviceSpec, type TestHost } from "../integration/lab/lab.ts";
import type { SeededRandom } from "../sim/seeded-random.ts";
import { sleep } from "./sleep.ts";

export const FIRST_REPLICAS = 4;
const REPLICAS_MAX = 8;
export const WORKLOAD = "web";
export const NETWORK = "chaos";
const CHANGE_EVERY_MS = 6_000;

/** A service that runs, on a network of its own and with a published port, whose user keeps changing its mind. */
export class Workload {
  readonly #managers: readonly TestHost[];
  readonly #random: SeededRandom;
  #image = 0;

  constructor({ managers, random }: { readonly managers: readonly TestHost[]; readonly random: SeededRandom }) {
    this.#managers = managers;
    this.#random = random;
  }

  async begin(): Promise<void> {
    const [manager] = this.#managers;
    if (manager === undefined) throw new Error("no managers");
    await ok(manager, "POST", "/networks/create", { Name: NETWORK, Driver: "overlay" });
    await ok(manager, "POST", "/services/create", this.#spec(FIRST_REPLICAS));
  }

  /** Scales and updates at random. Whether a change was heard does not matter: the last one is made certain. */
  async run({ signal }: { readonly signal: AbortSignal }): Promise<void> {
    while (!signal.aborted) {
      await sleep(this.#random.below(2 * CHANGE_EVERY_MS), signal);
      if (this.#random.chance(0.3)) this.#image++;
      await this.#change(1 + this.#random.below(REPLICAS_MAX)).catch(() => undefined);
    }
  }

  /** @throws Error when no manager takes it. */
  async settleAt(replicas: number): Promise<void> {
    const deadlineMs = performance.now() + 60_000;
    for (;;) {
      try {
        return await this.#change(replicas);
      } catch (error) {
        if (performance.now() > deadlineMs) throw error;
        await sleep(500, new AbortController().signal);
      }
    }
  }

  async #change(replicas: number): Promise<void> {
    const host = this.#random.pick(this.#managers);
    if (host === undefined) throw new Error("no managers");
    const { ID, Version } = await ok<ServiceJson>(host, "GET", `/services/${WORKLOAD}`);
    const requestId = newRequestId();
    const { status, body } = await call(host, "POST", `/services/${ID}/update?version=${Version.Index}`, {
      body: this.#spec(replicas),
      headers: { "x-shoal-request-id": requestId },
    });
    if (status >= 300) throw new Error(`update: ${status} ${JSON.stringify(body)}`);
  }

  #spec(replicas: number): unknown {
    const command = ["sh", "-c", `: ${this.#image}; trap 'exit 0' TERM; while :; do sleep 0.1; done`];
    const spec = serviceSpec(WORKLOAD, { replicas, command }) as { readonly TaskTemplate: object };
    const order = this.#image % 2 === 0 ? "start-first" : "stop-first";
    return {
      ...spec,
      TaskTemplate: { ...spec.TaskTemplate, Networks: [{ Target: NETWORK }] },
      EndpointSpec: { Ports: [{ Protocol: "tcp", TargetPort: 80, PublishedPort: 8_080, PublishMode: "ingress" }] },
      UpdateConfig: { Parallelism: 2, Order: order, FailureAction: "continue", Monitor: 1e9 },
    };
  }
}
