import { errorMessage } from "../../lib/errors.ts";
import type { NodeId } from "../../model/ids.ts";
import type { NodeIdentity } from "../../ports/certificates.ts";
import type { Log } from "../../ports/log.ts";
import { PEER_PORT, PeerListener } from "../../rpc/peer-listener.ts";
import { taskLogsOn } from "../../worker/task-logs.ts";
import type { Engine } from "../engine.ts";
import { hostOf } from "./host-and-port.ts";
import type { NodeRecord } from "./node-files.ts";

/** What other nodes ask this one at. A port that is taken keeps nothing else from working: then there is none. */
export async function openPeerPort(options: {
  readonly engine: Engine;
  readonly log: Log;
  readonly identity: NodeIdentity;
  /** As it is now: the managers in it are others with time. */
  readonly record: () => NodeRecord;
}): Promise<PeerListener | undefined> {
  const { engine, log, identity, record } = options;
  const { clusterId, listenAddress } = record();
  const place = { host: hostOf(listenAddress), port: PEER_PORT };
  try {
    const logs = taskLogsOn(engine.containers);
    const admits = ({ nodeId }: { readonly nodeId: NodeId }) => record().managerIds?.includes(nodeId) !== false;
    return await PeerListener.listen({ ...place, identity, clusterId, logs, admits, log });
  } catch (error) {
    log.error({ ...place, error: errorMessage(error) }, "other nodes cannot ask this one for logs");
    return undefined;
  }
}
