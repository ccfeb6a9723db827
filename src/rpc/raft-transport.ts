import type { ClientWritableStream } from "@grpc/grpc-js";
import { type RaftFrame, RaftPeerClient } from "../gen/raft.ts";
import { OperationError } from "../lib/errors.ts";
import type { NodeIdentity } from "../ports/certificates.ts";
import type { Clock } from "../ports/clock.ts";
import type { RaftMember, RaftTransport } from "../ports/consensus.ts";
import { memberCredentials } from "./channel.ts";
import { Dialled } from "./dialled.ts";
import { CONNECT_MS } from "./limits.ts";
import { fromStatus } from "./status.ts";
import { mapped, send } from "./streams.ts";

/** Unsent bytes kept for a peer; past it messages are dropped, and Raft sends again. */
export const PEER_QUEUE_BYTES_MAX = 4 * 1024 * 1024;
const BACKOFF_FIRST_MS = 50;
const BACKOFF_MAX_MS = 1_000;
/** A peer that nothing was sent to for so long is no member any more. */
const IDLE_MS = 60_000;
const IDLE_LOOK_MS = 1_000;

export interface RaftPeersOptions {
  readonly identity: () => NodeIdentity;
  readonly clock: Clock;
}

/** Raft's messages to the other managers: one long stream a peer, made again when it breaks. */
export class RaftPeers implements RaftTransport, AsyncDisposable {
  readonly #options: RaftPeersOptions;
  readonly #peers = new Map<string, PeerStream>();
  readonly #over = new AbortController();
  #kept: ReadonlySet<string> = new Set();
  #tellLost: (address: string) => void = () => {};

  constructor(options: RaftPeersOptions) {
    this.#options = options;
  }

  onLost(tell: (address: string) => void): void {
    this.#tellLost = tell;
  }

  /**
   * The streams to these are open also while there is nothing to say. When a leader is lost, thousands of workers are at the others'
   * ports; an election that had to make its connections then would stand in line with them.
   */
  keep(addresses: readonly string[]): void {
    if (this.#over.signal.aborted) return;
    this.#kept = new Set(addresses);
    for (const address of addresses) this.#peer(address);
  }

  send({ address }: RaftMember, message: Uint8Array): void {
    if (!this.#over.signal.aborted) this.#peer(address).push(message);
  }

  #peer(address: string): PeerStream {
    const known = this.#peers.get(address);
    if (known !== undefined) return known;
    const peer = new PeerStream(address, {
      ...this.#options,
      over: this.#over.signal,
      onLost: () => this.#tellLost(address),
      isKept: () => this.#kept.has(address),
    });
    this.#peers.set(address, peer);
    void peer.run().finally(() => this.#peers.delete(address));
    return peer;
  }

  async sendSnapshot(
    { address }: RaftMember,
    chunks: AsyncIterable<Uint8Array>,
    options: { readonly signal: AbortSignal },
  ): Promise<void> {
    const signal = AbortSignal.any([options.signal, this.#over.signal]);
    await sendChunks({ address, identity: this.#options.identity(), clock: this.#options.clock, chunks, signal });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over.abort(new OperationError("cancelled", "the transport is closed"));
  }
}

interface PeerStreamOptions extends RaftPeersOptions {
  readonly over: AbortSignal;
  readonly onLost: () => void;
  /** It does not end for want of messages. */
  readonly isKept: () => boolean;
}

/** The messages for one peer. Runs while it is kept, and until nothing has been sent for a minute. */
class PeerStream {
  readonly #address: string;
  readonly #options: PeerStreamOptions;
  #queue: Uint8Array[] = [];
  #queuedBytes = 0;
  #lastMs: number;
  #call: ClientWritableStream<RaftFrame> | undefined;
  /** The call takes no more until it says so. */
  #isFull = false;
  /** By the last stream. */
  #wasReached = false;

  constructor(address: string, options: PeerStreamOptions) {
    this.#address = address;
    this.#options = options;
    this.#lastMs = options.clock.monotonicMs();
  }

  /** Goes out within this call when the stream is open: each commit waits for two of these. */
  push(message: Uint8Array): void {
    if (this.#queuedBytes + message.length > PEER_QUEUE_BYTES_MAX) return;
    this.#queue.push(message);
    this.#queuedBytes += message.length;
    this.#lastMs = this.#options.clock.monotonicMs();
    this.#flush();
  }

  #flush(): void {
    const call = this.#call;
    if (call === undefined) return;
    let count = 0;
    for (const data of this.#queue) {
      if (this.#isFull) break;
      count++;
      this.#queuedBytes -= data.length;
      this.#isFull = !call.write({ data });
    }
    this.#queue.splice(0, count);
  }

  async run(): Promise<void> {
    const { clock, over, onLost, isKept } = this.#options;
    let backoffMs = BACKOFF_FIRST_MS;
    while (!over.aborted) {
      this.#wasReached = false;
      try {
        await this.#stream();
        if (this.#queue.length === 0) return; // Idle: a later message starts anew.
        continue;
      } catch {
        // The peer is away, or we are closing. What was queued is of no use any more: Raft has moved on.
        this.#queue = [];
        this.#queuedBytes = 0;
        if (!over.aborted) onLost();
        if (!isKept() && clock.monotonicMs() - this.#lastMs > IDLE_MS) return; // It is no member, and not there either.
      }
      if (this.#wasReached) backoffMs = BACKOFF_FIRST_MS; // It is there, and may only have wanted another connection.
      await clock.sleep(backoffMs, { signal: over }).catch(() => undefined);
      backoffMs = Math.min(BACKOFF_MAX_MS, backoffMs * 2);
    }
  }

  /** One call on a connection of its own. Resolves when it is not kept and there was nothing to send for a minute; rejects when it breaks. */
  async #stream(): Promise<void> {
    const { identity, over, clock } = this.#options;
    using dialled = new Dialled(RaftPeerClient, this.#address, memberCredentials(identity()));
    const ended = new AbortController();
    try {
      await new Promise<void>((resolve, reject) => {
        dialled.connected(CONNECT_MS, clock).then(() => (this.#wasReached = true), reject);
        const call = dialled.client.stream(error => (error === null ? resolve() : reject(fromStatus(error))));
        call.on("error", () => {}); // The callback has it too.
        call.on("drain", () => {
          this.#isFull = false;
          this.#flush();
        });
        over.addEventListener("abort", () => call.cancel(), { once: true, signal: ended.signal });
        this.#call = call;
        this.#isFull = false;
        this.#flush();
        void this.#endWhenIdle(call, ended.signal);
      });
    } finally {
      this.#call = undefined;
      ended.abort();
    }
  }

  async #endWhenIdle(call: ClientWritableStream<RaftFrame>, signal: AbortSignal): Promise<void> {
    const { clock, isKept } = this.#options;
    for (let idleMs = 0; idleMs < IDLE_MS || isKept(); idleMs = clock.monotonicMs() - this.#lastMs) {
      await clock.sleep(Math.max(IDLE_MS - idleMs, IDLE_LOOK_MS), { signal }).catch(() => undefined);
      if (signal.aborted) return;
    }
    this.#call = undefined; // What comes from here on waits for the next call.
    call.end();
  }
}

/** A snapshot's chunks on a connection of their own, to the answer. */
async function sendChunks(options: {
  readonly address: string;
  readonly identity: NodeIdentity;
  readonly clock: Clock;
  readonly chunks: AsyncIterable<Uint8Array>;
  readonly signal: AbortSignal;
}): Promise<void> {
  const { address, identity, clock, chunks } = options;
  const broken = new AbortController();
  using dialled = new Dialled(RaftPeerClient, address, memberCredentials(identity));
  const signal = AbortSignal.any([options.signal, broken.signal]);
  try {
    await new Promise<void>((resolve, reject) => {
      dialled.connected(CONNECT_MS, clock).catch(reject);
      const call = dialled.client.snapshot(error => {
        if (error === null) return resolve();
        broken.abort(fromStatus(error));
        reject(fromStatus(error));
      });
      call.on("error", () => {}); // The callback has it too.
      send(
        call,
        mapped(chunks, data => ({ data })),
        { signal },
      ).then(
        () => call.end(),
        error => {
          call.cancel();
          reject(error as Error);
        },
      );
    });
  } finally {
    broken.abort(new OperationError("unavailable", "the stream is over"));
  }
}
