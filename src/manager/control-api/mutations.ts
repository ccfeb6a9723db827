import { assert } from "../../lib/assert.ts";
import { requestOutcomeBytes } from "../../codec/control.ts";
import { SECOND_FORMAT_LEVEL } from "../../codec/format-needs.ts";
import { OperationError } from "../../lib/errors.ts";
import { madeUpName } from "../../lib/made-up-name.ts";
import type { ControlCallOptions, ControlResponse, RequestOutcome } from "../../model/control.ts";
import type { Change, Reliance } from "../../model/entry.ts";
import { clusterIdFrom, type ClusterObjectId } from "../../model/ids.ts";
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
/** Of a refusal that is kept. It may quote what was asked for, which may be long, and thousands are kept. */
const KEPT_MESSAGE_MAX = 1_000;

export interface MutationsOptions {
  readonly store: Store;
  readonly consensus: Consensus;
  readonly proposals: Proposals;
  readonly clock: Clock;
  readonly random: Random;
}

/** Users' writes: planned on a fresh state, proposed, and answered once for each request id. */
export class Mutations {
  readonly #options: MutationsOptions;

  constructor(options: MutationsOptions) {
    this.#options = options;
  }

  /** @param prepare - Called once, unless the request was answered before. What it waits for is not waited for in planning. */
  async run(
    prepare: (view: StateSnapshot) => PlanMutation | Promise<PlanMutation>,
    options: ControlCallOptions,
  ): Promise<ControlResponse> {
    const outcome = await this.#carryOut(prepare, options).catch(async (error: unknown) => {
      if (options.mayRepeat === true && isRefusal(error)) return await this.#refuse(error, options);
      throw error;
    });
    if (outcome.kind === "refusal") throw new OperationError(outcome.errorKind, outcome.message);
    return outcome;
  }

  async #carryOut(
    prepare: (view: StateSnapshot) => PlanMutation | Promise<PlanMutation>,
    { requestId, signal }: ControlCallOptions,
  ): Promise<RequestOutcome> {
    const { store, consensus, proposals, clock, random } = this.#options;
    const waiting = signal === undefined ? {} : { signal };
    const newId = <Id extends ClusterObjectId>() => clusterIdFrom<Id>(random.bytes(25));
    const newName = () => madeUpName(() => random.uint32());
    let plan: PlanMutation | undefined;
    let conflict = "";
    for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
      await consensus.readBarrier(waiting);
      const done = store.completedRequest(requestId);
      if (done !== undefined) return requestOutcomeBytes.decode(done.result);
      plan ??= await prepare(store.view());
      const view = store.view();
      const { changes: planned, reliesOn = [], response } = plan(view, { nowMs: clock.nowMs(), newId, newName });
      const changes = planned.map(change => withSpecChanged(change, view));
      const request = { id: requestId, result: requestOutcomeBytes.encode(response) };
      const result = await proposals.propose({ changes, reliesOn, request }, waiting);
      if (result.kind === "applied") return result.result === undefined ? response : requestOutcomeBytes.decode(result.result);
      // What it relied on moved meanwhile: planned again, it either fits the new state or says in its own words why not.
      conflict = result.message;
    }
    throw new OperationError("unavailable", `the state kept changing: ${conflict}`);
  }

  /**
   * Makes a refusal the last word. An earlier try may have been read by a manager that stood still since, and would be carried out when its user
   * has been told no, should the state fit by then; once this is applied it is refused like this one. If it came first, its answer is this one's.
   */
  async #refuse({ kind, message }: OperationError, { requestId, signal }: ControlCallOptions): Promise<RequestOutcome> {
    const { store, proposals } = this.#options;
    const refusal = { kind: "refusal", errorKind: kind, message: message.slice(0, KEPT_MESSAGE_MAX) } as const;
    if (store.view().formatLevel < SECOND_FORMAT_LEVEL) return refusal;
    const request = { id: requestId, result: requestOutcomeBytes.encode(refusal) };
    const result = await proposals.propose({ changes: [], reliesOn: [], request }, signal === undefined ? {} : { signal });
    assert(result.kind === "applied" && result.result !== undefined, "a refusal relies on nothing that could refuse it");
    return requestOutcomeBytes.decode(result.result);
  }
}

/** Something is wrong with the request itself; other failures leave open what comes of it. */
function isRefusal(error: unknown): error is OperationError {
  return error instanceof OperationError && error.kind !== "unavailable" && error.kind !== "cancelled";
}

/** @throws OperationError when the user read another spec than the one that is there. */
export function checkVersion(object: Sequenced & { readonly version: number }, version: number): void {
  if (!isSpecOf(version, object)) throw rpcError("Unknown", "update out of sequence");
}
