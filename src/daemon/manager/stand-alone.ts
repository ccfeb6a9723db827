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
  signal,
  ...alone
}: Alone & {
  readonly files: ForceNewClusterMark;
  readonly store: Store;
  readonly propose: Proposals["propose"];
  readonly signal: AbortSignal;
}): Promise<void> {
  if (!(await files.isForceNewClusterMarked())) return;
  const changes = planStandingAlone(store.view(), alone);
  if (changes.length > 0) {
    const result = await propose({ changes, reliesOn: [] }, { signal });
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
