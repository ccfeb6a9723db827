export interface RaftDriverOptions {
  readonly tickMs: number;
  /** An election timeout is drawn between this and twice as many. */
  readonly electionTicks: number;
  readonly heartbeatTicks: number;
  /** A tick that comes later than this was held up by this process itself. */
  readonly stallMs: number;
  /** Entries, or bytes of entries, applied between two snapshots. */
  readonly snapshotEveryEntries: number;
  readonly snapshotEveryBytes: number;
  /** Entries before the snapshot that stay in the log, for followers a little behind. */
  readonly keepEntries: number;
  /** And no more bytes of them than that. */
  readonly keepBytes: number;
  /** Snapshots that stay on disk beside the newest, for whoever wants to look at them: nothing reads them. */
  readonly keepSnapshots: number;
  readonly messageBytesMax: number;
  readonly inflightMessagesMax: number;
  readonly inflightBytesMax: number;
  readonly segmentBytesMax: number;
  /** How long `readBarrier` waits for a leader. */
  readonly readTimeoutTicks: number;
  /** Called once when the log cannot be written or an invariant is broken: nothing this manager says can be trusted any more. */
  readonly onFatal: (error: unknown) => void;
}

/** What the users of a cluster may set while it runs. */
export type SnapshotSettings = Pick<RaftDriverOptions, "snapshotEveryEntries" | "keepEntries" | "keepSnapshots">;

const MIB = 1024 * 1024;
export const DEFAULT_OPTIONS: RaftDriverOptions = {
  tickMs: 100,
  electionTicks: 10,
  heartbeatTicks: 2, // Five in the shortest election timeout: an idle leader's messages are mostly these.
  stallMs: 500,
  snapshotEveryEntries: 10_000,
  snapshotEveryBytes: 64 * MIB,
  keepEntries: 500,
  keepBytes: 16 * MIB,
  keepSnapshots: 0,
  messageBytesMax: MIB,
  inflightMessagesMax: 256,
  inflightBytesMax: 8 * MIB,
  segmentBytesMax: 16 * MIB,
  readTimeoutTicks: 50,
  onFatal: error =>
    queueMicrotask(() => {
      throw error;
    }),
};
