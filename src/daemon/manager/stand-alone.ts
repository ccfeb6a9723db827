import { SECOND_FORMAT_LEVEL } from "../../codec/format-needs.ts";
import { OperationError } from "../../lib/errors.ts";
import type { Change } from "../../model/entry.ts";
import type { NodeId } from "../../model/ids.ts";
import { specChanged } from "../../manager/spec-sequence.ts";
import type { Proposals } from "../../manager/store/proposals.ts";
import type { Snapshot } from "../../manager/store/snapshot.ts";
import type { Store } from "../../manager/store/store.ts";

/** Set by `--force-new-cluster`, until the cluster's state says so too. */
export interface ForceNewClusterMark {
  isForceNewClusterMarked(): Promise<boolean>;
  unmarkForceNewCluster(): Promise<void>;
}

interface Alone {
  readonly nodeId: NodeId;
  readonly raftId: number;
  readonly advertiseAddress: string;
}

/** After `--force-new-cluster`: the cluster's state says, as Raft does, that this manager is the only one. Done once. */
export async function standAlone({
  files,
  store,
  propose,
  formatLevel,
  signal,
  ...alone
}: Alone & {
  readonly files: ForceNewClusterMark;
  readonly store: Store;
  readonly propose: Proposals["propose"];
  /** The newest format of the log's entries that this program reads. */
  readonly formatLevel: number;
  readonly signal: AbortSignal;
}): Promise<void> {
  if (!(await files.isForceNewClusterMarked())) return;
  const view = store.view();
  const changes = [...beginEpoch(view, formatLevel), ...planStandingAlone(view, alone)];
  if (changes.length > 0) {
    const result = await propose({ level: Math.max(formatLevel, view.formatLevel), changes, reliesOn: [] }, { signal });
    if (result.kind === "refused") throw new OperationError("unavailable", result.message);
  }
  await files.unmarkForceNewCluster();
}

/** The other managers become workers: what they held as managers counts no more when they come back. */
export function planStandingAlone(view: Snapshot, { nodeId, raftId, advertiseAddress }: Alone): readonly Change[] {
  return [...view.all("node")].flatMap((node): Change[] => {
    const { manager, ...rest } = node;
    const put = { kind: "put", table: "node", basedOn: node.version } as const;
    if (node.id === nodeId) {
      return manager?.address === advertiseAddress
        ? []
        : [{ ...put, object: { ...node, manager: { raftId, address: advertiseAddress } } }];
    }
    if (manager === undefined && node.spec.role === "worker") return [];
    return [{ ...put, object: { ...rest, role: "worker", spec: { ...node.spec, role: "worker" }, ...specChanged(view) } }];
  });
}

/**
 * Certificates that the lost managers gave out, however late, are older than everything from here on. What this manager's program reads is what
 * all of them read now.
 */
export function beginEpoch(view: Snapshot, formatLevel: number): readonly Change[] {
  if (formatLevel < SECOND_FORMAT_LEVEL) return [];
  return [...view.all("cluster")].map(cluster => {
    const object = { ...cluster, epoch: (cluster.epoch ?? 0) + 1, formatLevel };
    return { kind: "put", table: "cluster", object, basedOn: cluster.version };
  });
}
