import { credentials, Metadata } from "@grpc/grpc-js";
import { clusterEvent, controlCall, controlResponse } from "../codec/control.ts";
import { joinPages } from "../codec/control-pages.ts";
import {
  type BackupPart,
  type ClusterEvent as WireClusterEvent,
  type ControlCallResponse,
  ControlClient,
} from "../gen/control.ts";
import type { ClusterEvent } from "../model/cluster-event.ts";
import type { ControlCaller, ControlCallOptions, ControlRequest, ControlResponse } from "../model/control.ts";
import type { Clock } from "../ports/clock.ts";
import { CALL_DEADLINE_MS, clientOptions, CONTROL_BYTES_MAX } from "./limits.ts";
import { fromStatus } from "./status.ts";
import { incoming } from "./streams.ts";

const controlOptions = { ...clientOptions, "grpc.max_receive_message_length": CONTROL_BYTES_MAX };

/** Calls the manager process of this host through its unix socket. */
export class LocalControl implements ControlCaller, AsyncDisposable {
  readonly #client: ControlClient;
  readonly #clock: Clock;

  constructor({ path, clock }: { readonly path: string; readonly clock: Clock }) {
    this.#client = new ControlClient(`unix:${path}`, credentials.createInsecure(), controlOptions);
    this.#clock = clock;
  }

  async call(request: ControlRequest, options: ControlCallOptions): Promise<ControlResponse> {
    return await callControl(this.#client, request, { ...options, isForwarded: false, nowMs: this.#clock.nowMs() });
  }

  /** What happens from now on, until the signal or the end of the manager process. */
  async *events({ signal }: { readonly signal: AbortSignal }): AsyncGenerator<ClusterEvent> {
    signal.throwIfAborted();
    const call = this.#client.events({});
    try {
      for await (const event of incoming<WireClusterEvent>(call, { signal })) yield clusterEvent.fromWire(event);
    } catch (error) {
      throw signal.aborted ? error : fromStatus(error);
    } finally {
      call.on("error", () => {}); // A cancelled call says so; nobody is left to hear it.
      call.cancel();
    }
  }

  /** The cluster's state as a file. @throws OperationError as the manager does. */
  async *backup({ signal }: { readonly signal: AbortSignal }): AsyncGenerator<Uint8Array> {
    signal.throwIfAborted();
    const call = this.#client.backup({});
    try {
      for await (const { data } of incoming<BackupPart>(call, { signal })) yield data;
    } catch (error) {
      throw signal.aborted ? error : fromStatus(error);
    } finally {
      call.on("error", () => {}); // A cancelled call says so; nobody is left to hear it.
      call.cancel();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#client.close();
  }
}

/** @throws OperationError with the kind and message that the other side threw; `unavailable` when it does not answer. */
export async function callControl(
  client: ControlClient,
  request: ControlRequest,
  options: ControlCallOptions & {
    readonly isForwarded: boolean;
    /** Wall time now: gRPC's deadlines are wall times. */
    readonly nowMs: number;
  },
): Promise<ControlResponse> {
  const { requestId, isForwarded, mayRepeat = false, nowMs, signal = new AbortController().signal } = options;
  signal.throwIfAborted();
  const message = controlCall.toWire({ requestId, isForwarded, mayRepeat, request });
  const call = client.call(message, new Metadata(), { deadline: nowMs + CALL_DEADLINE_MS });
  const pages: ControlResponse[] = [];
  try {
    for await (const page of incoming<ControlCallResponse>(call, { signal })) pages.push(controlResponse.fromWire(page));
    return joinPages(pages);
  } catch (error) {
    throw signal.aborted ? error : fromStatus(error);
  } finally {
    call.on("error", () => {}); // A cancelled call says so; nobody is left to hear it.
    call.cancel();
  }
}
