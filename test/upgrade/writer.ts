import { setTimeout as sleep } from "node:timers/promises";
import { call, newRequestId, ok, type ServiceJson, serviceSpec, type TestHost } from "../integration/lab/lab.ts";

const SERVICE = "counter";
const TRY_MS = 4_000;
const PERIOD_MS = 100;

/** Counts up in a service's label, one write after another, each at another manager, and tries each again under its id until it is answered. */
export class Writer {
  readonly #managers: readonly TestHost[];
  readonly #over = new AbortController();
  readonly #work: Promise<void>;
  #written = 0;
  #slowestMs = 0;
  #tries = 0;

  private constructor(managers: readonly TestHost[]) {
    this.#managers = managers;
    this.#work = this.#run();
    this.#work.catch(() => undefined); // Whoever ends it hears of it.
  }

  static async begin(managers: readonly TestHost[]): Promise<Writer> {
    const [first] = managers;
    if (first === undefined) throw new Error("no managers");
    await ok(first, "POST", "/services/create", serviceSpec(SERVICE, { replicas: 0, command: ["true"] }));
    return new Writer(managers);
  }

  /** @throws Error when a write was lost, carried out twice or refused. */
  async end(): Promise<{ readonly written: number; readonly tries: number; readonly slowestMs: number }> {
    this.#over.abort();
    await this.#work;
    const counts = await Promise.all(this.#managers.map(async manager => count(await read(manager))));
    if (counts.some(each => each !== this.#written))
      throw new Error(`${this.#written} writes were acknowledged; the managers have ${counts.join(", ")}`);
    return { written: this.#written, tries: this.#tries, slowestMs: this.#slowestMs };
  }

  async #run(): Promise<void> {
    let service = await this.#somewhere(read);
    while (!this.#over.signal.aborted) {
      const { ID, Version, Spec } = service;
      const beganMs = performance.now();
      const requestId = newRequestId();
      const body = { ...Spec, Labels: { ...Spec.Labels, count: String(this.#written + 1) } };
      await this.#somewhere(async manager => {
        this.#tries++;
        const options = { body, headers: { "x-shoal-request-id": requestId }, timeoutMs: TRY_MS };
        const { status, body: answer } = await call(manager, "POST", `/services/${ID}/update?version=${Version.Index}`, options);
        if (status >= 400 && status !== 503) throw new Refused(`write ${this.#written + 1}: ${status} ${JSON.stringify(answer)}`);
        if (status !== 200) throw new Error(String(status));
      });
      this.#written++;
      this.#slowestMs = Math.max(this.#slowestMs, performance.now() - beganMs);
      service = await this.#somewhere(read);
      if (count(service) !== this.#written) throw new Error(`after ${this.#written} writes ${count(service)} are there`);
      await sleep(PERIOD_MS);
    }
  }

  /** At one manager after another, until one answers. */
  async #somewhere<T>(ask: (manager: TestHost) => Promise<T>): Promise<T> {
    for (let at = this.#tries; ; at++) {
      const manager = this.#managers[at % this.#managers.length];
      if (manager === undefined) throw new Error("no managers");
      try {
        return await ask(manager);
      } catch (error) {
        if (error instanceof Refused) throw error;
        await sleep(PERIOD_MS);
      }
    }
  }
}

class Refused extends Error {}

async function read(manager: TestHost): Promise<ServiceJson> {
  return await ok<ServiceJson>(manager, "GET", `/services/${SERVICE}`);
}

function count({ Spec }: ServiceJson): number {
  return Number(Spec.Labels["count"] ?? 0);
}
