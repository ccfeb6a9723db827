import { controlResponseBytes } from "../../codec/control.ts";
import { OperationError } from "../../lib/errors.ts";
import { madeUpName } from "../../lib/made-up-name.ts";
import type { ControlResponse } from "../../model/control.ts";
import type { Change, Reliance } from "../../model/entry.ts";
import { clusterIdFrom, type ClusterObjectId, type RequestId } from "../../model/ids.ts";
import type { Sequenced } from "../../model/sequenced.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Consensus } from "../../ports/consensus.ts";
import type { Random } from "../../ports/random.ts";
import { rpcError } from "../rpc-error.ts";
import { isSpecOf, withSpecChanged } from "../spec-sequence.ts";
import type { Proposals } from "../store/proposals.ts";
import type { StateSnapshot } from "../store/state-snapshot.ts";
import type { Store } from "../store/store.ts";

/** What a user's request comes to, given a state. */
export interface Mutation {
  readonly changes: readonly Change[];
  readonly reliesOn?: readonly Reliance[];
  readonly response: ControlResponse;
}

export interface MutationContext {
  readonly nowMs: number;
  readonly newId: <Id extends ClusterObjectId>() => Id;
  /** For what the user gave no name. */
  readonly newName: () => string;
}

/** Pure but for the ids and names it draws. Throws what is wrong with the request, in Swarm's words. */
export type PlanMutation = (view: StateSnapshot, context: MutationContext) => Mutation;

/** How often a request is planned again because the state it saw had moved before it was applied. */
const ATTEMPTS_MAX = 10;

export interface MutationsOptions {
  readonly store: Store;
  readonly consensus: Consensus;
  readonly proposals: Proposals;
  readonly clock: Clock;
  readonly random: Random;
}

/** Users' writes: planned on a fresh state, proposed, and carried out once for each request id. */
export class Mutations {
  readonly #options: MutationsOptions;

  constructor(options: MutationsOptions) {
    this.#options = options;
  }

  async run(
    plan: PlanMutation,
    { requestId, signal }: { readonly requestId: RequestId; readonly signal?: AbortSignal },
  ): Promise<ControlResponse> {
    const { store, consensus, proposals, clock, random } = this.#options;
    const waiting = signal === undefined ? {} : { signal };
    const newId = <Id extends ClusterObjectId>() => clusterIdFrom<Id>(random.bytes(25));
    const newName = () => madeUpName(() => random.uint32());
    let refusal = "";
    for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
      await consensus.readBarrier(waiting);
      const done = store.completedRequest(requestId);
      if (done !== undefined) return controlResponseBytes.decode(done.result);
      const view = store.view();
      const { changes: planned, reliesOn = [], response } = plan(view, { nowMs: clock.nowMs(), newId, newName });
      const changes = planned.map(change => withSpecChanged(change, view));
      const request = { id: requestId, result: controlResponseBytes.encode(response) };
      const result = await proposals.propose({ changes, reliesOn, request }, waiting);
      if (result.kind === "applied") return result.result === undefined ? response : controlResponseBytes.decode(result.result);
      // What it relied on moved meanwhile: planned again, it either fits the new state or says in its own words why not.
      refusal = result.message;
    }
    throw new OperationError("unavailable", `the state kept changing: ${refusal}`);
  }
}

/** @throws OperationError when the user read another spec than the one that is there. */
export function checkVersion(object: Sequenced & { readonly version: number }, version: number): void {
  if (!isSpecOf(version, object)) throw rpcError("Unknown", "update out of sequence");
}
