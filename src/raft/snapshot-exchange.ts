import { assert } from "../lib/assert.ts";
import { errorMessage, OperationError } from "../lib/errors.ts";
import type { Clock } from "../ports/clock.ts";
import type { RaftMember, RaftTransport, SpeaksFor } from "../ports/consensus.ts";
import type { Log } from "../ports/log.ts";
import { ByteReader, ByteWriter } from "./bytes.ts";
import type { RaftCore } from "./core.ts";
import { decodeEnvelope, encodeEnvelope } from "./encoding.ts";
import type { WrittenSnapshot } from "./snapshot-files.ts";
import type { RaftStorage } from "./storage.ts";
import type { InstallSnapshot, SnapshotMeta } from "./types.ts";

/** Before a snapshot that could not be sent is tried again. */
const RETRY_MS = 500;

export interface SnapshotExchangeOptions {
  readonly core: RaftCore;
  readonly storage: RaftStorage;
  readonly transport: RaftTransport;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
  readonly ownAddress: () => string;
  /** The core was given something: its outputs are to be carried out. */
  readonly onInput: () => void;
  readonly onSender: (sender: { readonly raftId: number; readonly address: string }) => void;
}

/** A snapshot whose bytes are all here and which the core took over. */
interface Incoming {
  readonly written: WrittenSnapshot;
  readonly restored: () => void;
}

/** Sends this manager's newest snapshot to those that need it, and takes one in. */
export class SnapshotExchange {
  readonly #options: SnapshotExchangeOptions;
  #incoming: Incoming | undefined;
  #isReceiving = false;

  constructor(options: SnapshotExchangeOptions) {
    this.#options = options;
  }

  /** Runs on the side; the core hears how it went. */
  async send(to: RaftMember): Promise<void> {
    const { core, transport, clock, log, signal, onInput } = this.#options;
    let isOk = false;
    try {
      await transport.sendSnapshot(to, this.#chunks(to), { signal });
      isOk = true;
    } catch (error) {
      if (signal.aborted) return;
      log.warn({ to: to.raftId, error: errorMessage(error) }, "a raft snapshot could not be sent");
      await clock.sleep(RETRY_MS, { signal }).catch(() => undefined);
    }
    if (signal.aborted) return;
    core.snapshotSent(to.raftId, { isOk });
    onInput();
  }

  async *#chunks(to: RaftMember): AsyncGenerator<Uint8Array> {
    const { core, storage, ownAddress } = this.#options;
    const { snapshot } = storage;
    assert(snapshot !== undefined, "a snapshot is there when the log is compacted");
    const { meta, chunkCount } = snapshot;
    const message = { kind: "install-snapshot", from: core.raftId, to: to.raftId, term: core.term, meta } as const;
    yield encodeHeader({ message, fromAddress: ownAddress(), chunkCount });
    yield* storage.readSnapshot(snapshot);
  }

  /** Resolves once the snapshot is restored here, or was not needed. One at a time. */
  async receive(chunks: AsyncIterable<Uint8Array>, speaksFor: SpeaksFor): Promise<void> {
    if (this.#isReceiving) throw new OperationError("unavailable", "another snapshot is being received");
    this.#isReceiving = true;
    try {
      await this.#receive(chunks, speaksFor);
    } finally {
      this.#isReceiving = false;
    }
  }

  async #receive(chunks: AsyncIterable<Uint8Array>, speaksFor: SpeaksFor): Promise<void> {
    const { core, storage, signal, onInput, onSender } = this.#options;
    const iterator = chunks[Symbol.asyncIterator]();
    const first = await iterator.next();
    if (first.done === true) throw new OperationError("invalid", "a snapshot without a beginning");
    const { message, fromAddress, chunkCount } = decodeHeader(first.value);
    if (message.to !== core.raftId) throw new OperationError("invalid", `a snapshot for ${message.to} came to ${core.raftId}`);
    if (!speaksFor(message.from)) throw new OperationError("forbidden", `its sender is not manager ${message.from} of raft`);
    if (message.term < core.term)
      throw new OperationError("unavailable", `a snapshot of term ${message.term} came in term ${core.term}`);
    onSender({ raftId: message.from, address: fromAddress });
    if (message.meta.index <= core.commitIndex) {
      await iterator.return?.();
      core.step(message);
      onInput();
      return;
    }
    const written = await storage.writeSnapshot(message.meta, rest(iterator));
    try {
      if (written.chunkCount !== chunkCount) {
        throw new OperationError("invalid", `a snapshot of ${chunkCount} chunks ended after ${written.chunkCount}`);
      }
      signal.throwIfAborted();
      core.step(message);
    } catch (error) {
      await storage.discardSnapshot(written);
      throw error;
    }
    if (!core.isRestoring(message.meta)) {
      onInput();
      await storage.discardSnapshot(written);
      return;
    }
    await new Promise<void>((resolve, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
      this.#incoming = { written, restored: resolve };
      onInput();
    });
  }

  /** The files of the snapshot that the core told to restore. */
  take(meta: SnapshotMeta): Incoming {
    const incoming = this.#incoming;
    assert(incoming?.written.meta === meta, "the snapshot to restore is the one that came");
    this.#incoming = undefined;
    return incoming;
  }
}

async function* rest(iterator: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) yield next.value;
  } finally {
    await iterator.return?.();
  }
}

interface SnapshotHeader {
  readonly message: InstallSnapshot;
  readonly fromAddress: string;
  readonly chunkCount: number;
}

/** The first chunk: who sends, in which term, and what the snapshot holds. */
function encodeHeader({ chunkCount, ...envelope }: SnapshotHeader): Uint8Array {
  return new ByteWriter().uint(chunkCount).bytes(encodeEnvelope(envelope)).finish();
}

function decodeHeader(chunk: Uint8Array): SnapshotHeader {
  const reader = new ByteReader(chunk);
  const chunkCount = reader.uint();
  const { message, fromAddress } = decodeEnvelope(reader.bytes());
  if (message.kind !== "install-snapshot") throw new OperationError("invalid", `a ${message.kind} where a snapshot begins`);
  return { message, fromAddress, chunkCount };
}
