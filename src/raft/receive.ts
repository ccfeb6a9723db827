import { assert, assertNever } from "../lib/assert.ts";
import { campaign, onVoteRequest, onVoteResponse } from "./election.ts";
import { onReadRequest, onReadResponse } from "./read-index.ts";
import { onAppendRequest, onAppendResponse, onHeartbeat, onHeartbeatResponse, onInstallSnapshot } from "./replication.ts";
import type { RaftState } from "./state.ts";
import type { Message } from "./types.ts";

/** What is answered by a promise about the disk. */
const ASKS_FOR_A_PROMISE: ReadonlySet<Message["kind"]> = new Set([
  "pre-vote-request",
  "vote-request",
  "append-request",
  "install-snapshot",
]);

/** A message from another member: first its term, then what it says. */
export function receive(state: RaftState, message: Message): void {
  // As if it were lost: it comes again. Kept here, such messages would only pile up.
  if (!state.isWritable && ASKS_FOR_A_PROMISE.has(message.kind)) return;
  if (acceptTerm(state, message)) dispatch(state, message);
}

/** Compares terms (Raft 5.1). @returns whether the message is to be handled. */
function acceptTerm(state: RaftState, message: Message): boolean {
  if (message.term === state.term) return true;
  if (message.term < state.term) {
    answerStale(state, message);
    return false;
  }
  switch (message.kind) {
    case "pre-vote-request":
    case "vote-request":
      if (!message.isTransfer && state.hasFreshLeader) return false;
      if (message.kind === "vote-request") state.becomeFollower(message.term, 0);
      return true;
    case "pre-vote-response":
      if (!message.isGranted) state.becomeFollower(message.term, 0);
      return true;
    case "append-request":
    case "heartbeat":
    case "install-snapshot":
      state.becomeFollower(message.term, message.from);
      return true;
    default:
      state.becomeFollower(message.term, 0);
      return true;
  }
}

/** Tells a leader or a candidate of an older term that the term is over; without it, one that was cut off could never rejoin. */
function answerStale(state: RaftState, { kind, from: to }: Message): void {
  const head = { from: state.raftId, to, term: state.term };
  const { hasPreVote, checksQuorum } = state.rules;
  if ((hasPreVote || checksQuorum) && (kind === "append-request" || kind === "heartbeat")) {
    state.promises.push({ kind: "append-response", ...head, index: 0, isRejected: false, hintIndex: 0, hintTerm: 0 });
  } else if (kind === "pre-vote-request") {
    state.promises.push({ kind: "pre-vote-response", ...head, isGranted: false });
  }
}

function dispatch(state: RaftState, message: Message): void {
  switch (message.kind) {
    case "pre-vote-request":
    case "vote-request":
      return onVoteRequest(state, message);
    case "pre-vote-response":
    case "vote-response":
      return onVoteResponse(state, message);
    case "append-request":
      followSender(state, message.from);
      return onAppendRequest(state, message);
    case "heartbeat":
      followSender(state, message.from);
      return onHeartbeat(state, message);
    case "install-snapshot":
      followSender(state, message.from);
      return onInstallSnapshot(state, message);
    case "append-response":
      return onAppendResponse(state, message);
    case "heartbeat-response":
      return onHeartbeatResponse(state, message);
    case "timeout-now":
      return campaign(state, { isTransfer: true });
    case "read-request":
      return onReadRequest(state, message);
    case "read-response":
      return onReadResponse(state, message);
    default:
      assertNever(message);
  }
}

/** Whoever sends as leader in this term is the leader: there is one (Raft 5.2). */
function followSender(state: RaftState, from: number): void {
  assert(state.role !== "leader", `${from} and ${state.raftId} both lead term ${state.term}`);
  assert(state.leaderId === 0 || state.leaderId === from, `${from} and ${state.leaderId} both lead term ${state.term}`);
  if (state.role !== "follower") state.becomeFollower(state.term, from);
  state.leaderId = from;
  state.electionElapsed = 0;
}
