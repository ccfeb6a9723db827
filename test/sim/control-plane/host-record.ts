import type { ControlPlane } from "../../../src/daemon/manager/control-plane.ts";
import type { NodeId } from "../../../src/model/ids.ts";
import type { NodeCertificate } from "../../../src/ports/certificates.ts";
import type { SimulatedProcess } from "../process.ts";
import type { LedgerStore } from "./ledger.ts";

/** What a node keeps on its disk beside Raft's log: written whole or not at all. */
export interface HostRecord {
  readonly nodeId: NodeId;
  readonly certificate: NodeCertificate;
  readonly managers: readonly string[];
  readonly manager?: { readonly raftId: number; readonly isFounder: boolean };
}

export interface ManagerRun {
  readonly process: SimulatedProcess;
  readonly store: LedgerStore;
  plane?: ControlPlane;
}
