import type { Progress } from "../../../../src/raft/progress.ts";
import type { Entry, HardState, Member, Message, RaftRole, SnapshotMeta } from "../../../../src/raft/types.ts";

/** What etcd calls our messages. */
export const MESSAGE_NAMES: Record<Message["kind"], string> = {
  "pre-vote-request": "MsgPreVote",
  "vote-request": "MsgVote",
  "pre-vote-response": "MsgPreVoteResp",
  "vote-response": "MsgVoteResp",
  "append-request": "MsgApp",
  "append-response": "MsgAppResp",
  heartbeat: "MsgHeartbeat",
  "heartbeat-response": "MsgHeartbeatResp",
  "timeout-now": "MsgTimeoutNow",
  "read-request": "MsgReadIndex",
  "read-response": "MsgReadIndexResp",
  "install-snapshot": "MsgSnap",
};

export const ROLE_NAMES: Record<RaftRole, string> = {
  follower: "StateFollower",
  "pre-candidate": "StatePreCandidate",
  candidate: "StateCandidate",
  leader: "StateLeader",
};

/** What was proposed as a change of the members, by `term/index`: our entry holds the list that comes of it. */
export type ChangeNames = ReadonlyMap<string, string>;

export function describeEntry({ term, index, kind, data }: Entry, names: ChangeNames): string {
  const at = `${term}/${index}`;
  if (kind === "membership") return `${at} ${names.get(at) ?? "a change that was not proposed"}`;
  return `${at} EntryNormal ${JSON.stringify(Buffer.from(data).toString())}`;
}

export function describeMessage(message: Message, names: ChangeNames): string {
  const { from, to, kind, term } = message;
  const head = `${from}->${to} ${MESSAGE_NAMES[kind]} Term:${term}`;
  switch (message.kind) {
    case "pre-vote-request":
    case "vote-request":
      return `${head} Log:${message.lastTerm}/${message.lastIndex}`;
    case "pre-vote-response":
    case "vote-response":
      return `${head} Log:0/0${message.isGranted ? "" : " Rejected (Hint: 0)"}`;
    case "append-request": {
      const entries = message.entries.map(entry => describeEntry(entry, names));
      return `${head} Log:${message.prevTerm}/${message.prevIndex}${describeCommit(message.commit)}${describeList(entries)}`;
    }
    case "append-response": {
      if (!message.isRejected) return `${head} Log:0/${message.index}`;
      return `${head} Log:${message.hintTerm}/${message.index} Rejected (Hint: ${message.hintIndex})`;
    }
    case "heartbeat":
      return `${head} Log:0/0${describeCommit(message.commit)}`;
    case "install-snapshot":
      return `${head} Log:0/0\n  Snapshot: ${describeSnapshot(message.meta)}`;
    default:
      return `${head} Log:0/0`;
  }
}

function describeCommit(commit: number): string {
  return commit === 0 ? "" : ` Commit:${commit}`;
}

function describeList(entries: readonly string[]): string {
  if (entries.length < 2) return entries.length === 0 ? "" : ` Entries:[${entries[0]}]`;
  return ` Entries:[\n${entries.map(entry => `  ${entry}\n`).join("")}]`;
}

export function describeSnapshot({ index, term, members }: SnapshotMeta): string {
  const ids = (isLearner: boolean) => `[${raftIds(members, isLearner).join(" ")}]`;
  const rest = "VotersOutgoing:[]";
  return `Index:${index} Term:${term} ConfState:Voters:${ids(false)} ${rest} Learners:${ids(true)} LearnersNext:[] AutoLeave:false`;
}

export function raftIds(members: readonly Member[], isLearner: boolean): readonly number[] {
  const ids = members.filter(member => member.isLearner === isLearner).map(member => member.raftId);
  return ids.sort((a, b) => a - b);
}

export function describeHardState({ term, vote, commit }: HardState): string {
  return `HardState Term:${term}${vote === 0 ? "" : ` Vote:${vote}`} Commit:${commit}`;
}

const STATES = { probe: "StateProbe", replicate: "StateReplicate", snapshot: "StateSnapshot" };

/** One line for each member, in the order of their ids. */
export function describeProgress(progress: ReadonlyMap<number, Progress>, members: readonly Member[]): string {
  const learners = raftIds(members, true);
  const lines = [...progress].sort(([a], [b]) => a - b).map(([id, each]) => `${id}: ${describeOne(each, learners.includes(id))}`);
  return lines.join("\n");
}

function describeOne(progress: Progress, isLearner: boolean): string {
  const { state, match, next, isPaused, pendingSnapshot, isActive, inflightCount, isWindowFull } = progress;
  const parts = [
    `${STATES[state]} match=${match} next=${next}`,
    isLearner ? "learner" : "",
    isPaused ? "paused" : "",
    pendingSnapshot > 0 ? `pendingSnap=${pendingSnapshot}` : "",
    isActive ? "" : "inactive",
    inflightCount > 0 ? `inflight=${inflightCount}${isWindowFull ? "[full]" : ""}` : "",
  ];
  return parts.filter(part => part !== "").join(" ");
}
