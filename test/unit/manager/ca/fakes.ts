import { clusterIdFrom, type RequestId } from "../../../../src/model/ids.ts";
import type { Clock } from "../../../../src/ports/clock.ts";
import type { Consensus, ConsensusStatus, RaftMember } from "../../../../src/ports/consensus.ts";
import type { Random } from "../../../../src/ports/random.ts";
import { OperationError } from "../../../../src/lib/errors.ts";
import type { Store } from "../../../../src/manager/store/store.ts";

/** Time that stands still unless it is told to move. */
export class StillClock implements Clock {
  now = Date.UTC(2026, 0, 1);
  nowMs = () => this.now;
  monotonicMs = () => this.now;
  sleep = async (ms: number) => {
    this.now += ms;
  };
  timeout = () => new AbortController().signal;
}

/** Repeats itself, but no two draws of a test are alike. */
export class CountingRandom implements Random {
  #next = 1;
  uint32 = () => (Math.imul(this.#next++, 2654435761) >>> 0) % 2 ** 32;
  bytes = (count: number) => Uint8Array.from({ length: count }, () => this.uint32() >>> 24);
}

/** Raft with one member: what is proposed is applied at once. */
export class SoloConsensus implements Consensus {
  readonly #store: Store;
  role: ConsensusStatus["role"] = "leader";
  leaderId: number | undefined = 1;
  index = 0;
  members: (RaftMember & { readonly isLearner: boolean })[] = [{ raftId: 1, address: "127.0.0.1:2377", isLearner: false }];
  /** Loses this many answers after applying, as a leader does that loses its leadership. */
  answersLost = 0;

  constructor(store: Store) {
    this.#store = store;
  }

  status = () => ({
    raftId: 1,
    role: this.role,
    leaderId: this.leaderId,
    term: 1,
    commitIndex: this.index,
    appliedIndex: this.index,
    members: this.members,
  });
  disconnected = () => {};
  async *watchStatus() {
    yield this.status();
  }
  propose = async (data: Uint8Array) => {
    if (this.role !== "leader") throw new OperationError("unavailable", "not the leader");
    const result = this.#store.apply({ index: ++this.index, term: 1, data });
    if (this.answersLost > 0) {
      this.answersLost--;
      throw new OperationError("unavailable", "leadership lost");
    }
    return result;
  };
  readBarrier = async () => undefined;
  addMember = async (member: RaftMember) => {
    this.index++;
    this.members = [...this.members, { ...member, isLearner: true }];
  };
  removeMember = async (raftId: number) => {
    this.index++;
    this.members = this.members.filter(member => member.raftId !== raftId);
  };
  transferLeadership = async () => undefined;
  receive = () => undefined;
  receiveSnapshot = async () => undefined;
  stop = async () => undefined;
}

let requests = 0;
export function newRequestId(): RequestId {
  return clusterIdFrom(Uint8Array.of(...Buffer.from(String(requests++).padStart(25, "0"))));
}
