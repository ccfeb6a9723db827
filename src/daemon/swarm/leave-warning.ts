import type { NodeView } from "../../model/control.ts";

const INTRODUCTION = "You are attempting to leave the swarm on a node that is participating as a manager.";
const REMEDY =
  "The only way to restore a swarm that has lost consensus is to reinitialize it with `--force-new-cluster`. Use `--force` to suppress this message.";

/**
 * What a manager is told that leaves without `--force`, in Docker's words.
 *
 * @param managers - As the cluster sees them; missing when it does not answer.
 */
export function leaveWarning(managers: readonly NodeView[] | undefined): string {
  if (managers === undefined) return `${INTRODUCTION} Doing so may lose the consensus of your cluster. ${REMEDY}`;
  const total = managers.length;
  const reachable = managers.filter(({ isReachable }) => isReachable).length;
  if (total === 1) {
    return `${INTRODUCTION} Removing the last manager erases all current state of the swarm. Use \`--force\` to ignore this message.`;
  }
  // Raft is left with a manager fewer to ask, of as many.
  const isQuorumLost = reachable - 1 < Math.floor(total / 2) + 1;
  const loss = `Removing this node leaves ${reachable - 1} managers out of ${total}. Without a Raft quorum your swarm will be inaccessible. `;
  return `${INTRODUCTION} ${isQuorumLost ? loss : ""}${REMEDY}`;
}
