import { Metadata } from "@grpc/grpc-js";
import { logBatch, taskLogsRequest } from "../codec/peer.ts";
import { type LogBatch, NodePeerClient } from "../gen/peer.ts";
import { OperationError } from "../lib/errors.ts";
import type { NodeId } from "../model/ids.ts";
import type { TaskLogLine, TaskLogsRequest } from "../model/task-logs.ts";
import type { NodeIdentity } from "../ports/certificates.ts";
import type { Clock } from "../ports/clock.ts";
import { nodeCredentials } from "./channel.ts";
import { Dialled } from "./dialled.ts";
import { CONNECT_MS } from "./limits.ts";
import { PEER_PORT } from "./peer-listener.ts";
import { fromStatus } from "./status.ts";
import { incoming } from "./streams.ts";

/** How to call a node. */
export function peerAddress(host: string): string {
  return `${host.includes(":") ? `[${host}]` : host}:${PEER_PORT}`;
}

/** Whether the node itself, as its certificate says, takes a connection. Nothing is asked of it. */
export async function reachesNode(
  { nodeId, host }: { readonly nodeId: NodeId; readonly host: string },
  { identity, signal }: { readonly identity: NodeIdentity; readonly signal: AbortSignal },
): Promise<boolean> {
  using dialled = new Dialled(NodePeerClient, peerAddress(host), nodeCredentials(identity, nodeId));
  const closing = () => dialled[Symbol.dispose]();
  signal.addEventListener("abort", closing);
  try {
    return !signal.aborted && (await dialled.isReached(Infinity));
  } finally {
    signal.removeEventListener("abort", closing);
  }
}

/** The lines of one task at the node where it is. @throws OperationError as the node does; `unavailable` when it does not answer. */
export async function* taskLogsOf(
  node: { readonly nodeId: NodeId; readonly address: string },
  request: TaskLogsRequest,
  { identity, clock, signal }: { readonly identity: NodeIdentity; readonly clock: Clock; readonly signal: AbortSignal },
): AsyncGenerator<readonly TaskLogLine[]> {
  signal.throwIfAborted();
  using dialled = new Dialled(NodePeerClient, node.address, nodeCredentials(identity, node.nodeId));
  if (!(await dialled.isReached(clock.nowMs() + CONNECT_MS))) {
    throw new OperationError("unavailable", `node ${node.nodeId} is not available`);
  }
  const call = dialled.client.taskLogs(taskLogsRequest.toWire(request), new Metadata());
  try {
    for await (const batch of incoming<LogBatch>(call, { signal })) yield logBatch.fromWire(batch);
  } catch (error) {
    throw signal.aborted ? error : fromStatus(error);
  } finally {
    call.on("error", () => {}); // A cancelled call says so; nobody is left to hear it.
    call.cancel();
  }
}
