import { RaftPeerClient } from "../gen/raft.ts";
import { OperationError } from "../lib/errors.ts";
import type { NodeIdentity } from "../ports/certificates.ts";
import type { Clock } from "../ports/clock.ts";
import type { RaftMember, RaftTransport } from "../ports/consensus.ts";
import { memberCredentials } from "./channel.ts";
import { clientOptions } from "./limits.ts";
import { fromStatus } from "./status.ts";
import { mapped, send } from "./streams.ts";

/** Unsent bytes kept for a peer; past it messages are dropped, and Raft sends again. */
export const PEER_QUEUE_BYTES_MAX = 4 * 1024 * 1024;
const BACKOFF_FIRST_MS = 50;
const BACKOFF_MAX_MS = 1_000;
/** A peer that nothing was sent to for so long is no member any more. */
const IDLE_MS = 60_000;

export interface RaftPeersOptions {
  readonly identity: () => NodeIdentity;
  readonly clock: Clock;
}

/** Raft's messages to the other managers: one long stream a peer, made again when it breaks. */
export class RaftPeers implements RaftTransport, AsyncDisposable {
  readonly #options: RaftPeersOptions;
  readonly #peers = new Map<string, PeerStream>();
  readonly #over = new AbortController();
  #tellLost: (address: string) => void = () => {};

  constructor(options: RaftPeersOptions) {
    this.#options = options;
  }

  onLost(tell: (address: string) => void): void {
    this.#tellLost = tell;
  }

  send({ address }: RaftMember, message: Uint8Array): void {
    if (this.#over.signal.aborted) return;
    let peer = this.#peers.get(address);
    if (peer === undefined) {
      peer = new PeerStream(address, { ...this.#options, over: this.#over.signal, onLost: () => this.#tellLost(address) });
      this.#peers.set(address, peer);
      void peer.run().finally(() => this.#peers.delete(address));
    }
    peer.push(message);
  }

  async sendSnapshot(
    { address }: RaftMember,
    chunks: AsyncIterable<Uint8Array>,
    options: { readonly signal: AbortSignal },
  ): Promise<void> {
    const signal = AbortSignal.any([options.signal, this.#over.signal]);
    await stream({ address, identity: this.#options.identity(), method: "snapshot", messages: chunks, signal });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over.abort(new OperationError("cancelled", "the transport is closed"));
  }
}

interface PeerStreamOptions extends RaftPeersOptions {
  readonly over: AbortSignal;
  readonly onLost: () => void;
}

/** The messages for one peer. Runs until nothing has been sent for a minute. */
class PeerStream {
  readonly #address: string;
  readonly #options: PeerStreamOptions;
  #queue: Uint8Array[] = [];
  #queuedBytes = 0;
  #wake = () => {};

  constructor(address: string, options: PeerStreamOptions) {
    this.#address = address;
    this.#options = options;
  }

  push(message: Uint8Array): void {
    if (this.#queuedBytes + message.length > PEER_QUEUE_BYTES_MAX) return;
    this.#queue.push(message);
    this.#queuedBytes += message.length;
    this.#wake();
  }

  async run(): Promise<void> {
    const { clock, identity, over, onLost } = this.#options;
    let backoffMs = BACKOFF_FIRST_MS;
    while (!over.aborted) {
      const startedMs = clock.monotonicMs();
      const broken = new AbortController();
      const signal = AbortSignal.any([over, broken.signal]);
      try {
        const messages = this.#messages(signal);
        await stream({ address: this.#address, identity: identity(), method: "stream", messages, signal, broken });
        return; // Idle: a later message starts anew.
      } catch {
        // The peer is away, or we are closing. What was queued is of no use any more: Raft has moved on.
        this.#queue = [];
        this.#queuedBytes = 0;
        if (!over.aborted) onLost();
      }
      if (clock.monotonicMs() - startedMs > BACKOFF_MAX_MS) backoffMs = BACKOFF_FIRST_MS;
      await clock.sleep(backoffMs, { signal: over }).catch(() => undefined);
      backoffMs = Math.min(BACKOFF_MAX_MS, backoffMs * 2);
    }
  }

  /** What is queued, as it comes. Ends after a minute without any. */
  async *#messages(signal: AbortSignal): AsyncGenerator<Uint8Array> {
    let lastMs = this.#options.clock.monotonicMs();
    while (!signal.aborted) {
      const message = this.#queue.shift();
      if (message !== undefined) {
        this.#queuedBytes -= message.length;
        lastMs = this.#options.clock.monotonicMs();
        yield message;
        continue;
      }
      const idleMs = this.#options.clock.monotonicMs() - lastMs;
      if (idleMs >= IDLE_MS) return;
      await this.#somethingToSend(signal, IDLE_MS - idleMs);
    }
    throw signal.reason;
  }

  async #somethingToSend(signal: AbortSignal, withinMs: number): Promise<void> {
    const woken = new AbortController();
    const wake = () => woken.abort();
    this.#wake = wake;
    signal.addEventListener("abort", wake);
    if (signal.aborted) wake();
    await this.#options.clock.sleep(withinMs, { signal: woken.signal }).catch(() => undefined);
    signal.removeEventListener("abort", wake);
  }
}

/** One stream of frames on a connection of its own, to its answer. `broken` is aborted as soon as the call fails. */
async function stream(options: {
  readonly address: string;
  readonly identity: NodeIdentity;
  readonly method: "stream" | "snapshot";
  readonly messages: AsyncIterable<Uint8Array>;
  readonly signal: AbortSignal;
  readonly broken?: AbortController;
}): Promise<void> {
  const { address, identity, method, messages, broken = new AbortController() } = options;
  const client = new RaftPeerClient(address, memberCredentials(identity), clientOptions);
  const signal = AbortSignal.any([options.signal, broken.signal]);
  try {
    await new Promise<void>((resolve, reject) => {
      const call = client[method](error => {
        if (error === null) return resolve();
        broken.abort(fromStatus(error));
        reject(fromStatus(error));
      });
      call.on("error", () => {}); // The callback has it too.
      send(
        call,
        mapped(messages, data => ({ data })),
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
    client.close();
  }
}
