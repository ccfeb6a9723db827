import { OperationError } from "../../../src/lib/errors.ts";
import type { NodeSpec, ServiceSpec } from "../../../src/model/cluster.ts";
import type { ControlRequest, ControlResponse } from "../../../src/model/control.ts";
import type { RequestId } from "../../../src/model/ids.ts";
import { checkLinearizable } from "../linearizability/checker.ts";
import {
  type ClusterOperation,
  type ObjectInput,
  objectModel,
  type ObjectOutput,
  type Shown,
} from "../linearizability/cluster-objects.ts";
import type { World } from "./world.ts";

export type Table = "secret" | "config" | "service" | "node";

const ATTEMPT_MS = 12_000;
/** Shorter than managers stand still: what such a client has sent may be read when it has been answered elsewhere. */
const IMPATIENT_MS = 1_000;
const RETRY_MS = 200;
const THOUGHT_MS_MAX = 1_500;

interface Recorded extends ClusterOperation {
  readonly table: Table;
}

/** An object as a client read it. */
export interface Found extends Shown {
  readonly object: { readonly spec: unknown };
}

/** The service whose updates may fail, and may be rolled back then. */
export const RISKY_SERVICE = "app-api";

/** The users of the control API: what they ask, what they are told, and whether that can be. */
export class Clients {
  readonly #world: World;
  readonly history: Recorded[] = [];
  readonly #acknowledged: RequestId[] = [];

  constructor(world: World) {
    this.#world = world;
  }

  get acknowledgedCount(): number {
    return this.#acknowledged.length;
  }

  async create(table: Exclude<Table, "node">, name: string, spec: unknown): Promise<ObjectOutput | undefined> {
    const request = { kind: `create-${table}`, spec } as ControlRequest;
    return await this.#write(table, { kind: "create", name, spec: textOf(table, spec) }, request);
  }

  async update(table: Table, { name, id, version }: Shown, spec: unknown): Promise<ObjectOutput | undefined> {
    const request = { kind: `update-${table}`, id, version, spec, rollback: false } as unknown as ControlRequest;
    return await this.#write(table, { kind: "update", name, id, version, spec: textOf(table, spec) }, request);
  }

  async remove(table: Table, name: string): Promise<ObjectOutput | undefined> {
    const request = { kind: `remove-${table}`, idOrName: name, force: true } as unknown as ControlRequest;
    return await this.#write(table, { kind: "remove", name }, request);
  }

  async inspect(table: Table, name: string): Promise<Found | undefined> {
    const found = await this.#read(table, { kind: "inspect", name }, { kind: `get-${table}`, idOrName: name } as ControlRequest);
    return found[0];
  }

  async list(table: Table): Promise<readonly Found[]> {
    return await this.#read(table, { kind: "list" }, { kind: `list-${table}s`, filters: {} } as ControlRequest);
  }

  /** Reads, thinks, writes, until it fits or nobody can be reached. The cluster writes on meanwhile. */
  async change<Spec extends ServiceSpec | NodeSpec>(table: Table, name: string, edit: (spec: Spec) => Spec): Promise<boolean> {
    for (let attempt = 0; attempt < 20; attempt++) {
      const found = await this.inspect(table, name);
      if (found === undefined) return false;
      await this.#world.clock.sleep(this.#world.random.between(0, THOUGHT_MS_MAX));
      const output = await this.update(table, found, edit(found.object.spec as Spec));
      if (output === undefined || output.kind === "done") return output !== undefined;
    }
    return false;
  }

  async #write(table: Table, input: ObjectInput, request: ControlRequest): Promise<ObjectOutput | undefined> {
    const calledAt = this.#world.time.nowMs;
    const requestId = this.#world.id<RequestId>();
    let output: ObjectOutput | undefined;
    let isLeftOpen = false;
    const onLost = () => {
      isLeftOpen = true;
    };
    try {
      const answer = await this.#ask(request, requestId, onLost);
      this.#acknowledged.push(requestId);
      output = answer.kind === "created" ? { kind: "created", id: answer.id } : { kind: "done" };
    } catch (error) {
      output = refusal(error);
      // Where no refusals are kept, a manager that was asked before may still be at it, and succeed later: this one is not the last word.
      this.#record(table, { input, output: isLeftOpen && this.#world.isMixed ? undefined : output, calledAt });
      return output;
    }
    this.#record(table, { input, output, calledAt });
    return output;
  }

  async #read(table: Table, input: ObjectInput, request: ControlRequest): Promise<readonly Found[]> {
    const calledAt = this.#world.time.nowMs;
    try {
      const objects = foundIn(table, await this.#ask(request, this.#world.id<RequestId>()));
      this.#record(table, {
        input,
        output: { kind: "shown", objects: objects.map(({ name, id, version, spec }) => ({ name, id, version, spec })) },
        calledAt,
      });
      return objects;
    } catch (error) {
      const output = refusal(error);
      if (output !== undefined) this.#record(table, { input, output, calledAt });
      return [];
    }
  }

  #record(table: Table, call: Omit<Recorded, "table" | "returnedAt">): void {
    this.history.push({ table, ...call, returnedAt: this.#world.time.nowMs });
    this.#world.trace(`${table} ${JSON.stringify(call.input)} ${JSON.stringify(call.output)}`);
  }

  /** At some manager; when that does not answer, mostly at another, with the same request id. @throws What was answered, or `unavailable`. */
  async #ask(request: ControlRequest, requestId: RequestId, onLost: () => void = () => {}): Promise<ControlResponse> {
    const { random, clock, hosts } = this.#world;
    const attemptMs = random.chance(0.7) ? IMPATIENT_MS : ATTEMPT_MS;
    for (let attempts = random.chance(0.2) ? 1 : 4; ; attempts--) {
      const managers = [...hosts.values()].filter(({ manager }) => manager !== undefined);
      const host = random.pick(managers);
      try {
        if (host === undefined) throw new OperationError("unavailable", "no manager runs");
        return await this.#attempt(host.address, request, { requestId, signal: clock.timeout(attemptMs) });
      } catch (error) {
        const isUnknown = error instanceof OperationError && (error.kind === "unavailable" || error.kind === "cancelled");
        if (!isUnknown || attempts === 1) throw error;
        onLost();
      }
      await clock.sleep(RETRY_MS);
    }
  }

  /** Most clients that give up do not say so, or their word is lost. */
  async #attempt(
    address: string,
    request: ControlRequest,
    { requestId, signal }: { readonly requestId: RequestId; readonly signal: AbortSignal },
  ): Promise<ControlResponse> {
    const { random, outside } = this.#world;
    const options = { requestId, isForwarded: false, mayRepeat: true };
    if (random.chance(0.25)) return await this.#world.control(outside, address, request, { ...options, signal });
    const answer = this.#world.control(outside, address, request, { ...options, signal: new AbortController().signal });
    return await Promise.race([answer, rejected(signal)]);
  }

  /** At the end. @throws What cannot be. */
  check(): void {
    const lost = this.#acknowledged.find(id => !this.#world.ledger.has(id));
    if (lost !== undefined) throw new Error(`the acknowledged write ${lost} is lost`);
    for (const table of ["secret", "config", "service", "node"] as const) this.#checkTable(table);
  }

  #checkTable(table: Table): void {
    const history = this.history.filter(operation => operation.table === table);
    const isWrittenByCluster = table === "service" || table === "node";
    // Lists concern every object of their table; where there are none, each object is looked at by itself.
    const hasLists = history.some(({ input }) => input.kind === "list");
    const partOf = (input: ObjectInput) => (hasLists || !("name" in input) ? "" : input.name);
    const nodes = [...new Set(history.flatMap(({ input }) => ("name" in input ? [input.name] : [])))];
    const parts = new Set(history.map(({ input }) => partOf(input)));
    for (const part of parts) {
      const first = table === "node" ? nodes.filter(name => partOf({ kind: "inspect", name }) === part) : [];
      const operations = history.filter(({ input }) => partOf(input) === part);
      const isRolledBack = part === RISKY_SERVICE;
      const verdict = checkLinearizable(
        operations,
        objectModel({ isWrittenByCluster, isRolledBack, isMixed: this.#world.isMixed, first }),
      );
      if (verdict.isLinearizable) continue;
      const lines = (calls: readonly ClusterOperation[]) => calls.map(call => `  ${JSON.stringify(call)}`).join("\n");
      throw new Error(
        `not linearizable: ${table} ${part}, after\n${lines(verdict.order.slice(-12))}\nthere fits none of\n${lines(verdict.stuck)}`,
      );
    }
  }
}

function rejected(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason), { once: true }));
}

/** A node that cannot be demoted or removed as things are. */
const UNFIT = ["attempting to demote the last manager", "can't remove member from the raft", "is a cluster manager"];

function refusal(error: unknown): ObjectOutput | undefined {
  if (!(error instanceof OperationError)) throw error;
  if (error.kind === "unavailable" || error.kind === "cancelled") return undefined;
  if (error.message.includes("out of sequence")) return { kind: "refused", why: "out of sequence" };
  if (error.message.includes("already exists") || error.message.includes("name conflicts"))
    return { kind: "refused", why: "exists" };
  if (error.kind === "not-found") return { kind: "refused", why: "absent" };
  if (UNFIT.some(words => error.message.includes(words))) return { kind: "refused", why: "unfit" };
  throw error;
}

/** What tells one spec from another. */
function textOf(table: Table, spec: unknown): string {
  if (table === "service") {
    const { mode, labels, task } = spec as ServiceSpec;
    return JSON.stringify([mode, labels, task.container.image]);
  }
  if (table === "node") {
    const { role, availability, labels } = spec as NodeSpec;
    return JSON.stringify([role, availability, labels]);
  }
  return JSON.stringify((spec as { readonly labels: unknown }).labels);
}

function foundIn(table: Table, answer: ControlResponse): readonly Found[] {
  switch (answer.kind) {
    case "secrets":
      return answer.secrets.map(object => found(table, object.spec.name, object));
    case "configs":
      return answer.configs.map(object => found(table, object.spec.name, object));
    case "services":
      return answer.services.map(({ service }) => found(table, service.spec.name, service));
    case "nodes":
      return answer.nodes.map(({ node }) => found(table, node.id, node));
    default:
      throw new Error(`${answer.kind} is no answer`);
  }
}

function found(
  table: Table,
  name: string,
  object: { readonly id: string; readonly version: number; readonly spec: unknown },
): Found {
  return { name, id: object.id, version: object.version, spec: textOf(table, object.spec), object };
}
