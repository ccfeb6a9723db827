import type { ControlCaller } from "../../model/control.ts";
import { clusterIdFrom, type RequestId } from "../../model/ids.ts";
import type { Random } from "../../ports/random.ts";
import type { NodeRecord } from "./node-files.ts";

/** The state of a node, as the manager behind `control` knows it; `undefined` when it has none. @throws OperationError as the manager does. */
export async function nodeStateAt(
  control: ControlCaller,
  { nodeId }: Pick<NodeRecord, "nodeId">,
  { random, signal }: { readonly random: Random; readonly signal?: AbortSignal },
): Promise<string | undefined> {
  const requestId = clusterIdFrom<RequestId>(random.bytes(25));
  const answer = await control.call({ kind: "get-node", idOrName: nodeId }, { requestId, ...(signal && { signal }) });
  return answer.kind === "nodes" ? answer.nodes[0]?.node.status.state : undefined;
}
