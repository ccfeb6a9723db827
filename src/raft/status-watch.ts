import type { RaftCore } from "./core.ts";
import { Wakeup } from "./wakeup.ts";

type Standing = Pick<RaftCore, "role" | "leaderId" | "term" | "members">;

/** Notices when a manager's role, leader, term or fellow members change. Looked at after every input, so it only compares. */
export class StatusWatch {
  readonly #changed = new Wakeup();
  #standing: Standing = { role: "follower", leaderId: 0, term: -1, members: [] };

  /** @returns whether it is news. */
  notice({ role, leaderId, term, members }: RaftCore): boolean {
    const was = this.#standing;
    if (role === was.role && leaderId === was.leaderId && term === was.term && members === was.members) return false;
    this.#standing = { role, leaderId, term, members };
    this.#changed.notify();
    return true;
  }

  /** Yields at once, and whenever something changed since; what, the reader looks up. Ends by throwing the signal's reason. */
  async *changes({ signal }: { readonly signal: AbortSignal }): AsyncGenerator<void> {
    let seen: Standing | undefined;
    for (;;) {
      if (this.#standing === seen) await this.#changed.wait({ signal });
      seen = this.#standing;
      yield;
    }
  }
}
