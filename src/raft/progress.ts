import { assert } from "../lib/assert.ts";

export interface FlowLimits {
  readonly inflightMessagesMax: number;
  readonly inflightBytesMax: number;
}

/** Append messages sent and not answered yet, oldest first: the window of a pipelined follower. */
class Inflights {
  #lastIndexes: number[] = [];
  #sizes: number[] = [];
  #bytes = 0;

  get count(): number {
    return this.#lastIndexes.length;
  }

  get bytes(): number {
    return this.#bytes;
  }

  add(lastIndex: number, bytes: number): void {
    this.#lastIndexes.push(lastIndex);
    this.#sizes.push(bytes);
    this.#bytes += bytes;
  }

  /** An answer for `index` answers all before it too. */
  freeTo(index: number): void {
    let count = 0;
    while (count < this.#lastIndexes.length && (this.#lastIndexes[count] ?? 0) <= index) {
      this.#bytes -= this.#sizes[count] ?? 0;
      count += 1;
    }
    if (count === 0) return;
    this.#lastIndexes.splice(0, count);
    this.#sizes.splice(0, count);
  }

  clear(): void {
    this.#lastIndexes = [];
    this.#sizes = [];
    this.#bytes = 0;
  }
}

/**
 * What the leader knows of one member's log.
 *
 * - `probe`: where the logs meet is unknown; one message at a time.
 * - `replicate`: messages are sent ahead of answers, up to the flow limits.
 * - `snapshot`: a snapshot is on its way on a stream of its own; nothing else is sent but heartbeats.
 *
 * Invariant: 0 <= match < next.
 */
export class Progress {
  match = 0;
  next: number;
  state: "probe" | "replicate" | "snapshot" = "probe";
  /** Heard from since the last quorum check. */
  isActive = false;
  /** The newest commit index that was sent, or that a snapshot on its way brings. */
  sentCommit = 0;
  /** The newest read round that was answered. */
  readRound = 0;
  /** While in `snapshot`: the index of that snapshot. */
  pendingSnapshot = 0;
  #isProbeSent = false;
  readonly #limits: FlowLimits;
  readonly #inflights = new Inflights();

  constructor(next: number, limits: FlowLimits) {
    assert(next > 0, "next is at least 1");
    this.next = next;
    this.#limits = limits;
  }

  /** Nothing with entries may be sent now. */
  get isPaused(): boolean {
    switch (this.state) {
      case "probe":
        return this.#isProbeSent;
      case "replicate":
        return this.isWindowFull;
      case "snapshot":
        return true;
    }
  }

  /** Messages on their way that were not answered yet. */
  get inflightCount(): number {
    return this.#inflights.count;
  }

  get isWindowFull(): boolean {
    const { inflightMessagesMax, inflightBytesMax } = this.#limits;
    return this.#inflights.count >= inflightMessagesMax || this.#inflights.bytes >= inflightBytesMax;
  }

  /** A newer commit index would let the member commit more of what was sent to it. */
  isCommitNews(commit: number): boolean {
    return this.state === "replicate" && commit > this.sentCommit && this.sentCommit < this.next - 1;
  }

  becomeProbe(): void {
    // After a snapshot the log goes on behind it, even when its arrival was not heard of.
    this.next = this.state === "snapshot" ? Math.max(this.match + 1, this.pendingSnapshot + 1) : this.match + 1;
    this.#reset("probe");
  }

  becomeReplicate(): void {
    this.#reset("replicate");
    this.next = this.match + 1;
  }

  becomeSnapshot(index: number): void {
    this.#reset("snapshot");
    this.pendingSnapshot = index;
    this.next = index + 1;
    this.sentCommit = index;
  }

  /** The snapshot did not arrive: the follower is probed where it was. */
  abandonSnapshot(): void {
    assert(this.state === "snapshot", "no snapshot is under way");
    this.pendingSnapshot = 0;
    this.becomeProbe();
  }

  #reset(state: Progress["state"]): void {
    this.state = state;
    this.pendingSnapshot = state === "snapshot" ? this.pendingSnapshot : 0;
    this.#isProbeSent = false;
    this.sentCommit = Math.min(this.sentCommit, this.match);
    this.#inflights.clear();
  }

  /** Entries up to `lastIndex` (`count` of them) were sent. */
  sent(count: number, bytes: number): void {
    if (this.state === "probe") {
      this.#isProbeSent = true;
      return;
    }
    assert(this.state === "replicate", "entries are not sent while a snapshot is");
    if (count === 0) return;
    this.next += count;
    this.#inflights.add(this.next - 1, bytes);
  }

  /** A probe may be lost: each heartbeat's answer lets another one go. */
  resumeProbe(): void {
    this.#isProbeSent = false;
  }

  /** The member holds everything up to `index`. @returns whether that is news. */
  accepted(index: number): boolean {
    const isNews = index > this.match;
    if (isNews) this.match = index;
    this.next = Math.max(this.next, index + 1);
    this.#isProbeSent = false;
    this.#inflights.freeTo(index);
    return isNews;
  }

  /**
   * The member refused entries after `rejectedIndex`; its log may meet ours at `hintIndex`.
   * @returns whether it was an answer to something current; a stale one changes nothing.
   */
  refused(rejectedIndex: number, hintIndex: number): boolean {
    if (this.state === "replicate") {
      if (rejectedIndex <= this.match) return false;
      this.becomeProbe();
      return true;
    }
    if (this.state === "snapshot" || this.next - 1 !== rejectedIndex) return false;
    this.next = Math.max(Math.min(rejectedIndex, hintIndex + 1), this.match + 1);
    this.#isProbeSent = false;
    return true;
  }
}
