import { Metadata } from "@grpc/grpc-js";
import type {
  handleBidiStreamingCall,
  handleClientStreamingCall,
  handleServerStreamingCall,
  handleUnaryCall,
} from "@grpc/grpc-js";
import { OperationError } from "../lib/errors.ts";
import { peerOf, type Peer } from "./peer.ts";
import { toStatus } from "./status.ts";
import { incoming, send } from "./streams.ts";

interface AnyCall {
  on(event: "cancelled" | "close", listener: () => void): unknown;
  readonly metadata: Metadata;
  off(event: "cancelled" | "close", listener: () => void): unknown;
  getAuthContext: Parameters<typeof peerOf>[0]["getAuthContext"];
}

export interface CallContext {
  /** Missing on the local socket and for callers that have no certificate yet. */
  readonly peer: Peer | undefined;
  /** Aborted when the caller went away. */
  readonly signal: AbortSignal;
  readonly metadata: Metadata;
}

/** Runs one call's work with its peer and its signal. */
async function inContext<T>(call: AnyCall, work: (context: CallContext) => Promise<T>): Promise<T> {
  const abort = new AbortController();
  const onCancelled = () => abort.abort(new OperationError("cancelled", "the caller went away"));
  call.on("cancelled", onCancelled);
  call.on("close", onCancelled);
  try {
    return await work({ peer: peerOf(call), signal: abort.signal, metadata: call.metadata });
  } finally {
    call.off("cancelled", onCancelled);
    call.off("close", onCancelled);
  }
}

export function unary<Request, Response>(
  work: (request: Request, context: CallContext) => Promise<Response>,
): handleUnaryCall<Request, Response> {
  return (call, callback) => {
    inContext(call, context => work(call.request, context)).then(
      response => callback(null, response),
      error => callback(toStatus(error)),
    );
  };
}

/** The caller streams, and is answered once. */
export function collecting<Request, Response>(
  work: (requests: AsyncIterable<Request>, context: CallContext) => Promise<Response>,
): handleClientStreamingCall<Request, Response> {
  return (call, callback) => {
    // Until a caller hears something, its gRPC keeps what it sends, to send it again elsewhere: 1 MiB, of Raft's answers some 30,000 objects.
    call.sendMetadata(new Metadata());
    inContext(call, context => work(incoming<Request>(call, context), context)).then(
      response => callback(null, response),
      error => callback(toStatus(error)),
    );
  };
}

/** The caller asks once, and is answered by a stream. */
export function answering<Request, Response>(
  work: (request: Request, context: CallContext) => AsyncIterable<Response>,
): handleServerStreamingCall<Request, Response> {
  return call => {
    inContext(call, context => send(call, work(call.request, context), context)).then(
      () => call.end(),
      error => call.emit("error", toStatus(error)),
    );
  };
}

/** Both stream. The call ends when the answers do. */
export function conversing<Request, Response>(
  work: (requests: AsyncIterable<Request>, context: CallContext) => AsyncIterable<Response>,
): handleBidiStreamingCall<Request, Response> {
  return call => {
    inContext(call, context => send(call, work(incoming<Request>(call, context), context), context)).then(
      () => call.end(),
      error => call.emit("error", toStatus(error)),
    );
  };
}

/** @throws OperationError `forbidden` unless the caller's certificate is a manager's. */
export function managerOnly(peer: Peer | undefined): Peer {
  if (peer?.role !== "manager") throw new OperationError("forbidden", "only managers may call this");
  return peer;
}

export function nodeOnly(peer: Peer | undefined): Peer {
  if (peer === undefined) throw new OperationError("unauthorized", "a node's certificate is needed");
  return peer;
}
