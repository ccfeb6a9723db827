import { errorKind, errorMessage, OperationError } from "../../lib/errors.ts";
import type { ControlCaller, ControlCallOptions, ControlRequest, ControlResponse } from "../../model/control.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Consensus } from "../../ports/consensus.ts";
import { RPC_ERROR_PREFIX } from "../rpc-error.ts";
import { isRead } from "./control-api.ts";

/** How long a call is tried again while the managers look for a leader. */
export const FORWARDING_DEADLINE_MS = 10_000;
/**
 * How long nobody may be known to lead before a call is refused. While managers elect a new leader this takes less; a
 * manager that is cut off answers its clients within 3 s of the cut (it steps down after 1 to 2 s).
 */
const LEADERLESS_MAX_MS = 500;
/** A manager that has just begun has yet to hear from the leader, or to elect one: no call is refused for that so soon after its start. */
const STARTING_MS = 3_000;
const RETRY_FIRST_MS = 20;
const RETRY_MAX_MS = 200;

export const NO_LEADER_MESSAGE =
  "rpc error: code = Unknown desc = The swarm does not have a leader. It's possible that too few managers are online. Make sure more than half of the managers are online.";

export interface ForwardingOptions {
  readonly consensus: Consensus;
  readonly clock: Clock;
  /** This manager's own control API. */
  readonly local: ControlCaller;
  /** The same call at the leader's manager port, over mutual TLS. */
  readonly remote: (address: string, request: ControlRequest, options: ControlCallOptions) => Promise<ControlResponse>;
}

/**
 * Takes a call to where it can be answered: reads here, writes at the leader. What is unavailable is tried again until the
 * deadline, always with the same request id, so a write whose answer was lost is not carried out twice.
 */
export class ForwardingControl implements ControlCaller {
  readonly #options: ForwardingOptions;
  readonly #beganAtMs: number;

  constructor(options: ForwardingOptions) {
    this.#options = options;
    this.#beganAtMs = options.clock.monotonicMs();
  }

  /** @param options.isForwarded - Another manager passed it on: answered here or refused, so that calls never go in circles. */
  async call(
    request: ControlRequest,
    options: ControlCallOptions & { readonly isForwarded?: boolean },
  ): Promise<ControlResponse> {
    const { clock, local } = this.#options;
    const { isForwarded = false, ...call } = options;
    if (isForwarded || request.kind === "state-hash") return await local.call(request, call);
    const deadline = clock.timeout(FORWARDING_DEADLINE_MS);
    const signal = call.signal === undefined ? deadline : AbortSignal.any([call.signal, deadline]);
    try {
      return await this.#untilAnswered(request, { ...call, signal });
    } catch (cause) {
      // Whatever was being waited for may have failed in its own way: what ended the wait is what counts.
      call.signal?.throwIfAborted();
      if (deadline.aborted) throw new OperationError("unavailable", NO_LEADER_MESSAGE, { cause });
      throw cause;
    }
  }

  async #untilAnswered(
    request: ControlRequest,
    options: ControlCallOptions & { readonly signal: AbortSignal },
  ): Promise<ControlResponse> {
    const { clock, consensus } = this.#options;
    let { mayRepeat = false } = options;
    let leaderSeenMs = clock.monotonicMs();
    for (let waitMs = RETRY_FIRST_MS; ; waitMs = Math.min(RETRY_MAX_MS, waitMs * 2)) {
      const nowMs = clock.monotonicMs();
      if (consensus.status().leaderId !== undefined) leaderSeenMs = nowMs;
      else if (nowMs - leaderSeenMs > LEADERLESS_MAX_MS && nowMs - this.#beganAtMs > STARTING_MS)
        throw new OperationError("unavailable", NO_LEADER_MESSAGE);
      try {
        const answer = await this.#attempt(request, { ...options, mayRepeat });
        if (answer !== undefined) return answer;
      } catch (error) {
        mayRepeat = true; // Whoever was asked may yet read it.
        if ((errorKind(error) !== "unavailable" && !isAboutThisManager(error)) || options.signal.aborted) throw error;
      }
      await clock.sleep(waitMs, { signal: options.signal });
    }
  }

  /** Nothing when nobody is known to lead. */
  async #attempt(request: ControlRequest, options: ControlCallOptions): Promise<ControlResponse | undefined> {
    const { consensus, local, remote } = this.#options;
    const { role, leaderId, members } = consensus.status();
    if (leaderId === undefined) return undefined;
    if (role === "leader" || isRead(request)) return await local.call(request, options);
    const leader = members.find(({ raftId }) => raftId === leaderId);
    return leader === undefined ? undefined : await remote(leader.address, request, options);
  }
}

/**
 * The leader takes this manager for none: it was demoted just now, or has yet to be given the certificate of its new role. Nothing is said
 * of the request, which is refused in Swarm's words if at all.
 */
function isAboutThisManager(error: unknown): boolean {
  return errorKind(error) === "forbidden" && !errorMessage(error).startsWith(RPC_ERROR_PREFIX);
}
