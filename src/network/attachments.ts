import { errorKind, errorMessage, OperationError } from "../lib/errors.ts";
import type { AttachmentRequest } from "../model/control.ts";
import { clusterIdFrom, type ContainerId, type NetworkId, type NodeId, type TaskId } from "../model/ids.ts";
import type { Endpoint } from "../model/session.ts";
import type { Clock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import type { Random } from "../ports/random.ts";
import type { ClusterView } from "./cluster-view.ts";
import { EMPTY_VIEW } from "./cluster-view.ts";

/** How long a container waits for its place on a network. @see moby daemon/cluster/cluster.go: swarmRequestTimeout */
const ATTACH_MS = 20_000;
const RETRY_MS = 250;
const RETRY_MAX_MS = 5_000;
/** How long a container that ends waits until the managers know. */
const DETACH_WAIT_MS = 5_000;

/** What of the managers is needed to put containers on the cluster's networks. */
export interface AttachmentCalls {
  /** Twice with one id is once. @throws OperationError in Docker's words; `unavailable` when it is worth trying again. */
  attach(request: AttachmentRequest, options: { readonly signal: AbortSignal }): Promise<void>;
  /** No error when it is gone. */
  detach(id: TaskId, options: { readonly signal: AbortSignal }): Promise<void>;
}

export type WantedAttachment = Omit<AttachmentRequest, "id" | "nodeId">;

export interface AttachmentsOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly random: Random;
  readonly nodeId: NodeId;
  /** The container is there and is on that network with that address. */
  readonly isHeld: (endpoint: Endpoint) => boolean;
  /** Aborted when the daemon ends: containers keep their places. */
  readonly signal: AbortSignal;
}

/**
 * The places that containers of this host, made by hand, have on the cluster's networks. The managers' list is made that of the
 * containers that are there: a place that no container of this host holds or waits for is given back, however it came to be.
 */
export class Attachments {
  readonly #options: AttachmentsOptions;
  #calls: AttachmentCalls | undefined;
  #view: ClusterView = EMPTY_VIEW;
  /** Asked for, and its container not yet on the network. */
  readonly #pending = new Map<TaskId, string>();
  /** Given back; kept until the managers' list says so too. */
  readonly #leaving = new Map<TaskId, { readonly containerId: string; readonly done: Promise<void>; isDone: boolean }>();
  readonly #waiting = new Set<() => void>();

  constructor(options: AttachmentsOptions) {
    this.#options = options;
  }

  useCalls(calls: AttachmentCalls | undefined): void {
    this.#calls = calls;
    this.#wake();
  }

  /** What the managers have told last, once it is in force. */
  update(view: ClusterView): void {
    this.#view = view;
    for (const [id, { isDone }] of this.#leaving) if (isDone && !view.endpoints.has(id)) this.#leaving.delete(id);
    this.#giveBack();
    this.#wake();
  }

  /** @returns its address in CIDR form, on a network that this host knows by now. @throws OperationError in Docker's words. */
  async attach(wanted: WantedAttachment): Promise<{ readonly networkId: NetworkId; readonly address: string }> {
    const { clock, random, nodeId } = this.#options;
    const id = clusterIdFrom<TaskId>(random.bytes(25));
    this.#pending.set(id, wanted.containerId);
    const deadline = clock.timeout(ATTACH_MS);
    const signal = AbortSignal.any([deadline, this.#options.signal]);
    let failure: unknown;
    try {
      await this.#ask({ ...wanted, id, nodeId }, { signal, onFailure: error => (failure = error) });
      failure = undefined;
      return await this.#granted(id, signal);
    } catch (error) {
      this.#pending.delete(id);
      if (errorKind(error) === "unavailable" || signal.aborted) this.#leave({ taskId: id, containerId: wanted.containerId });
      throw attachFailure(wanted.network, deadline.aborted ? failure : error);
    }
  }

  /** Places that were given to a container that is not on those networks, or not any more, go back. Resolves when the managers know, or soon after. */
  async letGo(containerId: ContainerId): Promise<void> {
    for (const [id, owner] of this.#pending) if (owner === containerId) this.#pending.delete(id);
    this.#giveBack();
    const leaving = [...this.#leaving.values()].filter(other => other.containerId === containerId && !other.isDone);
    if (leaving.length === 0) return;
    const patience = AbortSignal.any([this.#options.clock.timeout(DETACH_WAIT_MS), this.#options.signal]);
    const over = new Promise<void>(resolve => patience.addEventListener("abort", () => resolve(), { once: true }));
    await Promise.race([Promise.all(leaving.map(({ done }) => done)), over]);
  }

  /** Of containers that are there. */
  held(): readonly Endpoint[] {
    return this.#own().filter(endpoint => this.#options.isHeld(endpoint));
  }

  /** It goes by another name from now on. */
  async rename(place: WantedAttachment): Promise<void> {
    const { nodeId, clock } = this.#options;
    const held = this.held().find(
      ({ containerId, networks }) =>
        containerId === place.containerId && networks.some(({ networkId }) => networkId === place.network),
    );
    if (held === undefined) return;
    const signal = AbortSignal.any([clock.timeout(ATTACH_MS), this.#options.signal]);
    await this.#ask({ ...place, id: held.taskId, nodeId }, { signal });
  }

  #own(): readonly Endpoint[] {
    const { nodeId } = this.#options;
    return [...this.#view.endpoints.values()].filter(
      endpoint => endpoint.containerId !== undefined && endpoint.nodeId === nodeId,
    );
  }

  #giveBack(): void {
    for (const endpoint of this.#own()) {
      const { taskId, containerId = "" } = endpoint;
      if (this.#pending.has(taskId) || this.#leaving.has(taskId) || this.#options.isHeld(endpoint)) continue;
      this.#leave({ taskId, containerId });
    }
  }

  /** Again while no manager can be reached. */
  async #ask(
    request: AttachmentRequest,
    { signal, onFailure }: { readonly signal: AbortSignal; readonly onFailure?: (error: unknown) => void },
  ): Promise<void> {
    for (;;) {
      const calls = await this.#untilCalls(signal);
      try {
        return await calls.attach(request, { signal });
      } catch (error) {
        if (errorKind(error) !== "unavailable" || signal.aborted) throw error;
        onFailure?.(error);
      }
      await this.#options.clock.sleep(RETRY_MS, { signal });
    }
  }

  async #granted(id: TaskId, signal: AbortSignal): Promise<{ readonly networkId: NetworkId; readonly address: string }> {
    for (;;) {
      const place = this.#view.endpoints.get(id)?.networks[0];
      if (place !== undefined && this.#view.networks.has(place.networkId)) return place;
      await this.#news(signal);
    }
  }

  async #untilCalls(signal: AbortSignal): Promise<AttachmentCalls> {
    for (;;) {
      if (this.#calls !== undefined) return this.#calls;
      await this.#news(signal);
    }
  }

  #leave({ taskId, containerId }: { readonly taskId: TaskId; readonly containerId: string }): void {
    const leaving = { containerId, isDone: false, done: this.#detach(taskId) };
    this.#leaving.set(taskId, leaving);
    void leaving.done.then(() => {
      leaving.isDone = true;
      if (!this.#view.endpoints.has(taskId)) this.#leaving.delete(taskId);
    });
  }

  /** Never fails: what a daemon that ends does not tell the next one does. */
  async #detach(id: TaskId): Promise<void> {
    const { clock, log, signal } = this.#options;
    for (let delayMs = RETRY_MS; !signal.aborted; delayMs = Math.min(RETRY_MAX_MS, delayMs * 2)) {
      try {
        const calls = await this.#untilCalls(signal);
        return await calls.detach(id, { signal });
      } catch (error) {
        if (!signal.aborted && errorKind(error) !== "unavailable") {
          return log.warn(
            { attachment: id, error: errorMessage(error) },
            "a container's place on a network could not be given back",
          );
        }
      }
      await clock.sleep(delayMs, { signal }).catch(() => undefined);
    }
  }

  async #news(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    await new Promise<void>(resolve => {
      const wake = (): void => {
        this.#waiting.delete(wake);
        signal.removeEventListener("abort", wake);
        resolve();
      };
      this.#waiting.add(wake);
      signal.addEventListener("abort", wake);
    });
    signal.throwIfAborted();
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
  }
}

/** @param cause - `undefined`: a manager took the request and nothing came of it. */
function attachFailure(network: string, cause: unknown): OperationError {
  if (cause === undefined) {
    const text = "attaching to network failed, make sure your network options are correct and check manager logs";
    return new OperationError("unavailable", `${text}: context deadline exceeded`);
  }
  const message = `Could not attach to network ${network}: ${errorMessage(cause)}`;
  return new OperationError(errorKind(cause), message, { cause });
}
