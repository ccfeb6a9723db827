import { errorKind, errorMessage } from "../../lib/errors.ts";
import type { NodeRole } from "../../model/cluster.ts";
import type { NodeCertificate } from "../../ports/certificates.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import type { Random } from "../../ports/random.ts";

/** A certificate is renewed when this part of its life is over, give or take the spread: a cluster's nodes do not all come at once. */
const RENEWAL_PART = 2 / 3;
const RENEWAL_SPREAD = 0.1;
const BACKOFF_FIRST_MS = 200;
/** What somebody is waiting for, a new role above all, is tried again this often at least. */
const URGENT_BACKOFF_MAX_MS = 2_000;
const BACKOFF_MAX_MS = 5 * 60_000;
/** Timers hold no month, and wall clocks are set: the time is looked at again this often. */
const LOOK_AGAIN_MS = 10 * 60_000;

/** When a certificate is to be renewed, in ms since 1970. @param draw - Uniform in 0..1. */
export function renewalTimeMs({ notBeforeMs, notAfterMs }: NodeCertificate, draw: number): number {
  const part = RENEWAL_PART + (draw * 2 - 1) * RENEWAL_SPREAD;
  return notBeforeMs + (notAfterMs - notBeforeMs) * part;
}

/** What a node knows of its own place in the swarm. */
export interface Standing {
  /** Of its certificate. */
  readonly role: NodeRole;
  readonly renewAtMs: number;
  /** What the managers want it to be, as last heard. */
  readonly wantedRole: NodeRole | undefined;
  /** A manager did not admit its certificate. */
  readonly isRefused: boolean;
  /** It has, or had, a manager that takes part in Raft. */
  readonly isInRaft: boolean;
  /** Its manager is not where the others think. */
  readonly isElsewhere: boolean;
  /** The keys on disk are not as the cluster wants them: under another unlock key, or with a data key too many. */
  readonly hasKeysToSettle: boolean;
}

export type StepKind = "renew" | "join-raft" | "tell-address" | "end-manager" | "settle-keys";
export type Step = { readonly kind: StepKind } | { readonly kind: "wait"; readonly untilMs: number };

/** The next thing to do. Looks at what is there, never at what was begun: after a crash anywhere it goes on from there. */
export function nextStep(standing: Standing, nowMs: number): Step {
  const { role, renewAtMs, isRefused, isInRaft, isElsewhere, hasKeysToSettle } = standing;
  if (role === "worker" && isInRaft) return { kind: "end-manager" };
  if (hasKeysToSettle) return { kind: "settle-keys" };
  if (isRefused || hasOtherRole(standing)) return { kind: "renew" };
  if (role === "manager" && !isInRaft) return { kind: "join-raft" };
  if (role === "manager" && isElsewhere) return { kind: "tell-address" };
  return nowMs < renewAtMs ? { kind: "wait", untilMs: renewAtMs } : { kind: "renew" };
}

function hasOtherRole({ role, wantedRole }: Standing): boolean {
  return wantedRole !== undefined && wantedRole !== role;
}

export interface UpkeepOptions {
  readonly standing: () => Standing;
  /** Each resolves with whether it is done; what is not is tried again later. */
  readonly steps: Readonly<Record<StepKind, (options: { readonly signal: AbortSignal }) => Promise<boolean>>>;
  /** The swarm knows this node no more: nothing else will be tried. */
  readonly onExpelled: (error: unknown) => void;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** Keeps a node's certificate valid and of the right role, and its manager process in step with that. */
export class Upkeep implements AsyncDisposable {
  readonly #options: UpkeepOptions;
  readonly #over = new AbortController();
  readonly #running: Promise<void>;
  #wake: () => void = () => {};

  constructor(options: UpkeepOptions) {
    this.#options = options;
    this.#running = this.#run(this.#over.signal);
  }

  /** Its standing may have changed. */
  wake(): void {
    this.#wake();
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { standing, clock } = this.#options;
    let failures = 0;
    while (!signal.aborted) {
      const before = standing();
      const step = nextStep(before, clock.nowMs());
      if (step.kind === "wait") {
        failures = 0;
        await this.#pause(Math.min(step.untilMs - clock.nowMs(), LOOK_AGAIN_MS), signal);
        continue;
      }
      const outcome = await this.#attempt(step.kind, signal);
      if (outcome === "expelled") return;
      failures = outcome === "done" ? 0 : failures + 1;
      if (failures > 0)
        await this.#backOff(failures, { isUrgent: step.kind !== "renew" || before.isRefused || hasOtherRole(before), signal });
    }
  }

  async #attempt(kind: StepKind, signal: AbortSignal): Promise<"done" | "later" | "expelled"> {
    const { steps, log, onExpelled } = this.#options;
    try {
      return (await steps[kind]({ signal })) ? "done" : "later";
    } catch (error) {
      if (signal.aborted) return "later";
      if (kind === "renew" && errorKind(error) === "forbidden") {
        log.error({ error: errorMessage(error) }, "this node is no longer part of its swarm");
        onExpelled(error);
        return "expelled";
      }
      log.warn({ step: kind, error: errorMessage(error) }, "this node's membership: a step failed and is tried again");
      return "later";
    }
  }

  async #backOff(
    failures: number,
    { isUrgent, signal }: { readonly isUrgent: boolean; readonly signal: AbortSignal },
  ): Promise<void> {
    const { clock, random } = this.#options;
    const maxMs = isUrgent ? URGENT_BACKOFF_MAX_MS : BACKOFF_MAX_MS;
    const delayMs = Math.min(maxMs, BACKOFF_FIRST_MS * 2 ** Math.min(failures - 1, 20));
    await clock.sleep(delayMs / 2 + (random.uint32() / 2 ** 32) * (delayMs / 2), { signal }).catch(() => undefined);
  }

  async #pause(ms: number, signal: AbortSignal): Promise<void> {
    const woken = new AbortController();
    this.#wake = () => woken.abort();
    await this.#options.clock.sleep(ms, { signal: AbortSignal.any([signal, woken.signal]) }).catch(() => undefined);
    this.#wake = () => {};
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over.abort();
    await this.#running;
  }
}
