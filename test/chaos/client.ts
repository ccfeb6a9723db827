import { type Answer, call, type ServiceJson, serviceSpec, type TestHost } from "../integration/lab/lab.ts";
import type { ObjectInput, ObjectOutput } from "../sim/linearizability/cluster-objects.ts";
import type { SeededRandom } from "../sim/seeded-random.ts";
import type { History } from "./history.ts";
import { sleep } from "./sleep.ts";

/** Few, so that clients get in each other's way; and no id begins like one: what is not found by its name may be found by its id's beginning. */
const NAMES = ["the-ark", "the-bay", "the-cod", "the-dab"];
const TRY_MS = 4_000;
/** After so long a client takes no answer for an answer. */
const PATIENCE_MS = 25_000;
const RETRY_MS = 150;

/** Asks managers, one call at a time, tries each again elsewhere with the same request id, and writes down what it was told. */
export class ControlClient {
  readonly #name: string;
  readonly #hosts: readonly TestHost[];
  readonly #random: SeededRandom;
  readonly #history: History;
  readonly #seen = new Map<string, { readonly id: string; readonly version: number }>();
  #written = 0;

  constructor(
    name: string,
    options: { readonly hosts: readonly TestHost[]; readonly random: SeededRandom; readonly history: History },
  ) {
    this.#name = name;
    this.#hosts = options.hosts;
    this.#random = options.random;
    this.#history = options.history;
  }

  async run({ signal }: { readonly signal: AbortSignal }): Promise<void> {
    while (!signal.aborted) {
      await this.#operate(this.#draw());
      await sleep(this.#random.below(400), signal);
    }
  }

  #draw(): ObjectInput {
    const name = this.#random.pick(NAMES) ?? "the-ark";
    const seen = this.#seen.get(name);
    const spec = `${this.#name}-${++this.#written}`;
    const chance = this.#random.fraction();
    if (chance < 0.15) return { kind: "create", name, spec };
    if (chance < 0.22) return { kind: "remove", name };
    if (chance < 0.6 && seen !== undefined) return { kind: "update", name, ...seen, spec };
    return { kind: "inspect", name };
  }

  async #operate(input: ObjectInput): Promise<void> {
    const calledAt = performance.now();
    const output = await this.#ask(input);
    const returnedAt = performance.now();
    this.#history.add({ client: this.#name, calledAt, returnedAt, input, ...(output && { output }) });
    if (output?.kind !== "shown") return;
    for (const { name, id, version } of output.objects) this.#seen.set(name, { id, version });
  }

  async #ask(input: ObjectInput): Promise<ObjectOutput | undefined> {
    const requestId = Array.from({ length: 25 }, () => this.#random.below(36).toString(36)).join("");
    const deadlineMs = performance.now() + PATIENCE_MS;
    while (performance.now() < deadlineMs) {
      const host = this.#random.pick(this.#hosts);
      if (host === undefined) throw new Error("no managers");
      const answer = await call(host, ...requestOf(input), {
        ...bodyOf(input),
        headers: { "x-shoal-request-id": requestId },
        timeoutMs: TRY_MS,
      }).catch(() => undefined);
      const output = answer && outputOf(input, answer);
      if (output !== undefined) return output;
      await sleep(RETRY_MS, new AbortController().signal);
    }
    return undefined;
  }
}

function requestOf(input: ObjectInput): readonly [method: string, path: string] {
  switch (input.kind) {
    case "create":
      return ["POST", "/services/create"];
    case "update":
      return ["POST", `/services/${input.id}/update?version=${input.version}`];
    case "remove":
      return ["DELETE", `/services/${input.name}`];
    case "inspect":
      return ["GET", `/services/${input.name}`];
    case "list":
      return ["GET", "/services"];
  }
}

function bodyOf(input: ObjectInput): { readonly body?: unknown } {
  if (input.kind !== "create" && input.kind !== "update") return {};
  return { body: serviceSpec(input.name, { replicas: 0, command: ["true"], labels: { spec: input.spec } }) };
}

/** @returns nothing when the answer leaves open what became of the call. @throws Error on an answer that no such call should get. */
function outputOf(input: ObjectInput, { status, body }: Answer): ObjectOutput | undefined {
  const text = JSON.stringify(body);
  if (status === 503) return undefined;
  if (status === 404 && /not found/.test(text)) return { kind: "refused", why: "absent" };
  if (/update out of sequence/.test(text)) return { kind: "refused", why: "out of sequence" };
  if (status === 409 && /name conflicts with an existing object/.test(text)) return { kind: "refused", why: "exists" };
  if (status >= 300) throw new Error(`${input.kind} ${JSON.stringify(input)}: ${status} ${text}`);
  switch (input.kind) {
    case "create":
      return { kind: "created", id: (body as { readonly ID: string }).ID };
    case "inspect":
      return { kind: "shown", objects: [shown(input.name, body as ServiceJson)] };
    default:
      return { kind: "done" };
  }
}

function shown(name: string, { ID: id, Version, Spec }: ServiceJson) {
  return { name, id, version: Version.Index, spec: Spec.Labels["spec"] ?? "" };
}
