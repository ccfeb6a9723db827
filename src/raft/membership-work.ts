import { OperationError } from "../lib/errors.ts";
import type { RaftMember } from "../ports/consensus.ts";
import type { RaftCore } from "./core.ts";
import type { MembershipChange } from "./membership.ts";
import { lostLeadership, type Proposals, refused } from "./proposals.ts";
import { Serial } from "./serial.ts";
import type { Wakeup } from "./wakeup.ts";

/** A learner that lacks at most so many entries holds up no commit once it votes. */
const CAUGHT_UP_ENTRIES = 64;

export interface MembershipWorkOptions {
  readonly core: RaftCore;
  readonly proposals: Proposals;
  /** Notified at every tick and whenever something moved. */
  readonly progressed: Wakeup;
  readonly onInput: () => void;
}

type Wait = { readonly signal?: AbortSignal | undefined };

/** Changes of the members and of the leader: several steps each, one work at a time. */
export class MembershipWork {
  readonly #options: MembershipWorkOptions;
  readonly #serial = new Serial();

  constructor(options: MembershipWorkOptions) {
    this.#options = options;
  }

  /** Also finishes what an earlier attempt began, and moves a member to a new address. */
  async add(member: RaftMember, wait: Wait): Promise<void> {
    await this.#serial.run(() => this.#add(member, wait));
  }

  async #add({ raftId, address }: RaftMember, wait: Wait): Promise<void> {
    const { core } = this.#options;
    this.#assertLeader();
    const existing = core.members.find(member => member.raftId === raftId);
    if (existing === undefined) await this.#change({ kind: "add-learner", raftId, address }, wait);
    else if (existing.address !== address) await this.#change({ kind: "move", raftId, address }, wait);
    if (existing?.isLearner === false) return;
    await this.#until(() => (core.lagOf(raftId) ?? Infinity) <= CAUGHT_UP_ENTRIES, wait);
    await this.#change({ kind: "promote", raftId }, wait);
  }

  /** No error when it is no member. */
  async remove(raftId: number, wait: Wait): Promise<void> {
    await this.#serial.run(async () => {
      this.#assertLeader();
      if (!this.#options.core.members.some(member => member.raftId === raftId)) return;
      await this.#change({ kind: "remove", raftId }, wait);
    });
  }

  async transfer({ to, ...wait }: Wait & { readonly to?: number | undefined }): Promise<void> {
    const { core, onInput } = this.#options;
    this.#assertLeader();
    if (!core.transfer(to)) throw new OperationError("unavailable", "there is no other manager to take over leadership");
    onInput();
    await this.#until(() => core.transferTo === 0, wait).catch((error: unknown) => {
      if (core.role === "leader") throw error;
    });
    if (core.role === "leader") throw new OperationError("unavailable", "the other manager did not take over leadership in time");
  }

  async #change(change: MembershipChange, wait: Wait): Promise<void> {
    const { core, proposals, onInput, progressed } = this.#options;
    for (;;) {
      wait.signal?.throwIfAborted();
      const result = core.proposeMembership(change);
      if ("index" in result) {
        onInput();
        await proposals.at(result, wait.signal);
        return;
      }
      if (result.kind !== "change-pending") throw refused(result.kind);
      await progressed.wait(wait);
    }
  }

  async #until(isDone: () => boolean, wait: Wait): Promise<void> {
    const { core, progressed } = this.#options;
    while (!isDone()) {
      await progressed.wait(wait);
      if (core.role !== "leader") throw lostLeadership();
    }
  }

  #assertLeader(): void {
    if (this.#options.core.role !== "leader") throw refused("not-leader");
  }
}
