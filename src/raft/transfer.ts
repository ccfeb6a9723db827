import type { RaftState } from "./state.ts";

/**
 * Leadership goes to `to` as soon as its log is complete (thesis 3.10). Meanwhile nothing new is accepted; after an election timeout the
 * transfer is given up.
 * @returns false when `to` is no other voter or this manager does not lead.
 */
export function startTransfer(state: RaftState, to: number): boolean {
  if (state.role !== "leader" || to === state.raftId || !state.membership.isVoter(to)) return false;
  if (state.transferTo === to) return true;
  state.transferTo = to;
  state.electionElapsed = 0;
  finishTransfer(state, to);
  return true;
}

/** Tells the successor to campaign once it holds the whole log. */
export function finishTransfer(state: RaftState, raftId: number): void {
  const { transferTo, log, term } = state;
  if (transferTo !== raftId || state.progressOf(raftId).match < log.lastIndex) return;
  state.messages.push({ kind: "timeout-now", from: state.raftId, to: raftId, term });
}

/** The voter that would take over soonest: one that was heard lately, with the longest log. */
export function bestSuccessor({ membership, progress, raftId }: RaftState): number | undefined {
  const rank = (voter: number) => {
    const { match = 0, isActive = false } = progress.get(voter) ?? {};
    return isActive ? match + 1 : 0;
  };
  const others = membership.voters.filter(voter => voter !== raftId);
  return others.sort((a, b) => rank(b) - rank(a) || a - b)[0];
}
