import { RaftLog } from "../../../../src/raft/log.ts";
import { changeMembers, MembershipHistory } from "../../../../src/raft/membership.ts";
import { RaftState } from "../../../../src/raft/state.ts";
import type { Member } from "../../../../src/raft/types.ts";
import { describeProgress, raftIds } from "./description.ts";
import { parseChanges } from "./interaction.ts";
import type { Block } from "./script.ts";

const REFUSALS = {
  "no voter is left": "removed all voters",
  "more than one voter comes or goes": "more than one voter changed without entering joint config",
  "only a learner can be promoted": "only a learner can be promoted",
};

/** The commands of the confchange scripts, for changes of one voter: each on the members that those before it left. */
export class MemberLists {
  /** A bystander's view, so that no progress is its own. */
  readonly #state = new RaftState({
    raftId: 99,
    term: 1,
    vote: 0,
    log: new RaftLog({ baseIndex: 0, baseTerm: 0, entries: [], commit: 0, applied: 0 }),
    membership: new MembershipHistory(0, []),
    snapshot: { index: 0, term: 0, members: [] },
    times: { electionTicks: 10, heartbeatTicks: 1 },
    limits: { messageBytesMax: 1_000, inflightMessagesMax: 10, inflightBytesMax: 1_000 },
    randomUint32: () => 0,
  });

  run(block: Block): string {
    if (block.command !== "simple") throw new Error(`line ${block.line}: no command ${block.command}`);
    const { membership, log } = this.#state;
    const members = changeMembers(membership.members, parseChanges(block.input));
    const index = log.lastIndex + 1;
    if (typeof members !== "string") {
      membership.push(index, members);
      this.#state.syncProgress();
    }
    log.append([{ index, term: 1, kind: "empty", data: new Uint8Array(0) }]); // Every command counts as one entry.
    return typeof members === "string" ? REFUSALS[members] : this.#describe(members);
  }

  #describe(members: readonly Member[]): string {
    const learners = raftIds(members, true);
    const head = `voters=(${raftIds(members, false).join(" ")})${learners.length > 0 ? ` learners=(${learners.join(" ")})` : ""}`;
    return `${head}\n${describeProgress(this.#state.progress, members)}`;
  }
}
