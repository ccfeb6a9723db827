import type { Clock } from "../ports/clock.ts";
import type { RaftMember, RaftTransport, StateMachine } from "../ports/consensus.ts";
import type { Disk } from "../ports/disk.ts";
import type { Log } from "../ports/log.ts";
import type { Random } from "../ports/random.ts";
import type { RaftDriverOptions, SnapshotSettings } from "./driver-options.ts";
import type { PayloadCipher } from "./payload-cipher.ts";

/** What a manager's Raft is made of. */
export interface RaftDriverSetup {
  readonly raftId: number;
  /** The first members of a new cluster. Ignored once there is a log. */
  readonly members?: readonly RaftMember[];
  /** A manager that joins: it starts empty and waits until a leader that added it makes contact. */
  readonly join?: true;
  /** With `members` naming this manager alone: it becomes the only member of the cluster it was in, when the others are lost for good. */
  readonly forceNewCluster?: boolean;
  readonly disk: Disk;
  /** Holds the log and the snapshots, and nothing else. */
  readonly directory: string;
  /** Its key may change at any time: `rekeyed` tells. */
  readonly cipher?: PayloadCipher;
  /** Called at first and when it changes: the cipher's keys before this one are needed no more, not even after a crash. */
  readonly onOldestKey?: (keyId: number) => void;
  readonly clock: Clock;
  readonly random: Random;
  readonly transport: RaftTransport;
  readonly stateMachine: StateMachine;
  readonly log: Log;
  readonly options?: Partial<RaftDriverOptions>;
  /** What the cluster's users have set by now; the options hold where it is silent. Asked often. */
  readonly settings?: () => SnapshotSettings | undefined;
}
