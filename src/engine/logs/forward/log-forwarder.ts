import { errorMessage, OperationError } from "../../../lib/errors.ts";
import type { Clock } from "../../../ports/clock.ts";
import type { Log } from "../../../ports/log.ts";
import type { ContainerLog, LogPin } from "../container-log.ts";
import { readLogBlocks, SMALL_BLOCK_BYTES } from "../read-log.ts";
import { cursorAt, isBefore, type LogCursor, loadCursor, readingStart, saveCursor } from "./log-cursor.ts";
import type { LogDestination, LogRoute } from "./log-driver.ts";
import type { LogMessage } from "./log-message.ts";
import type { LogNetwork } from "./log-network.ts";
import { MessageJoiner } from "./message-joiner.ts";

export interface LogForwarderOptions {
  readonly containerId: string;
  readonly log: ContainerLog;
  /** Where it is kept how far the log has been sent. */
  readonly cursorPath: string;
  readonly route: LogRoute;
  readonly network: LogNetwork;
  readonly clock: Clock;
  readonly daemonLog: Log;
  /** Files that are still to be sent are kept though they are too many (mode `blocking`). */
  readonly keepsUnsent: boolean;
}

const RETRY_MS = 100;
const RETRY_MS_MAX = 10_000;
/** A connection without acknowledgements that holds so long after a message has delivered it. */
const CONFIRMED_AFTER_MS = 1000;
const SAVE_PERIOD_MS = 1000;
/** Cursors of what is on its way are this far apart at least. */
const CHECKPOINT_MS = 100;
const WARNING_PERIOD_MS = 60_000;

interface Checkpoint {
  cursor: LogCursor;
  readonly atMs: number;
}

/**
 * Sends a container's log to where its driver says, from the files that the shim writes: at least once, in order, from where an earlier daemon
 * stopped. The container never waits for it.
 */
export class LogForwarder implements AsyncDisposable {
  readonly #options: LogForwarderOptions;
  readonly #close = new AbortController();
  #confirmed: LogCursor;
  #saved: LogCursor | undefined;
  /** Sent and not yet confirmed, oldest first. */
  #underway: Checkpoint[] = [];
  #ready: LogDestination | undefined;
  #working: Promise<void> | undefined;
  #isWanted = false;
  #saving: Promise<void> | undefined;
  #pin: LogPin | undefined;
  #warnedAtMs = -Infinity;

  private constructor(options: LogForwarderOptions, saved: LogCursor | undefined) {
    this.#options = options;
    this.#saved = saved;
    this.#confirmed = saved ?? cursorAt({ file: options.log.oldestFile, offsetBytes: 0 });
  }

  static async open(options: LogForwarderOptions): Promise<LogForwarder> {
    return new LogForwarder(options, await loadCursor(options.cursorPath));
  }

  /** Whether a part of the log is still to be sent. */
  async isBehind(): Promise<boolean> {
    return isBefore(readingStart(this.#confirmed), await this.#options.log.end());
  }

  /** Before a container starts: a server that is not there is told to the user. @throws OperationError `unavailable` in Docker's words. */
  async connect(): Promise<void> {
    const { route, network } = this.#options;
    if (route.startsUnconnected === true || this.#working !== undefined || this.#ready !== undefined) return;
    this.#ready = await route.connect(network, { signal: this.#close.signal });
  }

  /** The container did not start after all. */
  disconnect(): void {
    this.#ready?.close();
    this.#ready = undefined;
  }

  /** Sends what is there and what comes, until the run is over. Twice is harmless. */
  run(): void {
    this.#isWanted = true;
    if (this.#options.keepsUnsent) this.#hold();
    this.#working ??= this.#work().finally(() => {
      this.#working = undefined;
      this.#release();
    });
    this.#working.catch((error: unknown) => this.#warn(error, "a log is no longer sent"));
  }

  /** The container is gone: sends the rest, for as long as `signal` lets it, and ends. */
  async finish(signal: AbortSignal): Promise<void> {
    if (this.#working !== undefined) {
      this.#hold();
      await settledOrAborted(this.#working, signal);
      if (this.#working !== undefined) this.#warn(undefined, "a container was removed before all of its log could be sent");
    }
    await this[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#close.abort(new OperationError("cancelled", "the log is closed"));
    this.disconnect();
    await this.#working?.catch(() => {}); // Reported where it was begun.
    await this.#saving;
    await this.#save();
    this.#release();
  }

  #hold(): void {
    this.#pin ??= this.#options.log.pin(() => readingStart(this.#confirmed).file);
  }

  #release(): void {
    this.#pin?.release();
    this.#pin = undefined;
  }

  async #work(): Promise<void> {
    const { signal } = this.#close;
    let failures = 0;
    while (this.#isWanted && !signal.aborted) {
      const before = this.#confirmed;
      try {
        if (await this.#forward()) this.#isWanted = !this.#options.log.isEnded;
        failures = 0;
      } catch (error) {
        if (signal.aborted) return;
        this.#underway = [];
        failures = this.#confirmed === before ? failures + 1 : 1;
        this.#warn(error, "a log cannot be sent");
        await this.#afterFailure(failures);
      }
    }
  }

  async #afterFailure(failures: number): Promise<void> {
    const { route, log, clock } = this.#options;
    const { signal } = this.#close;
    if (route.triesMax !== undefined && failures >= route.triesMax) {
      this.#confirmed = cursorAt(await log.end());
      this.#warn(undefined, "what a container printed was not sent: as many tries as its log options allow have failed");
      this.#isWanted = !log.isEnded;
    }
    const pauseMs = Math.min((route.retryMs ?? RETRY_MS) * 2 ** Math.min(failures - 1, 16), RETRY_MS_MAX);
    await clock.sleep(pauseMs, { signal }).catch(() => {}); // Closed: the loop sees it.
  }

  /** @returns true when the run is over and all of it has arrived; false when the connection is to be made anew. */
  async #forward(): Promise<boolean> {
    const { route, network, clock, log, containerId } = this.#options;
    const destination = this.#ready ?? (await route.connect(network, { signal: this.#close.signal }));
    this.#ready = undefined;
    const lost = new AbortController();
    void destination.closed?.then(reason => lost.abort(reason));
    const signal = AbortSignal.any([this.#close.signal, lost.signal]);
    const onAbort = () => destination.close(); // What it has not yet taken it need not.
    signal.addEventListener("abort", onAbort, { once: true });
    const untilMs = clock.monotonicMs() + (route.connectionMsMax ?? Infinity);
    const joiner = new MessageJoiner(containerId, this.#confirmed);
    try {
      const wanted = readingStart(this.#confirmed);
      const isGone = wanted.file < log.oldestFile;
      if (isGone) this.#warnOfGap();
      const from = isGone ? { file: log.oldestFile, offsetBytes: 0 } : wanted;
      const reading = { from, isFollowing: true, blockBytes: SMALL_BLOCK_BYTES, onGap: () => this.#warnOfGap(), signal };
      for await (const block of readLogBlocks(log, reading)) {
        for (const batch of batches(joiner.add(block), route.batchBytesMax)) await destination.send(batch, { signal });
        this.#note(joiner.cursor, destination);
        if (clock.monotonicMs() > untilMs) return await this.#leave(destination, { isOver: false });
      }
      signal.throwIfAborted();
      const rest = joiner.flush();
      if (rest.length > 0) await destination.send(rest, { signal });
      this.#note(joiner.cursor, destination);
      return await this.#leave(destination, { isOver: true });
    } finally {
      signal.removeEventListener("abort", onAbort);
      destination.close();
    }
  }

  async #leave(destination: LogDestination, { isOver }: { readonly isOver: boolean }): Promise<boolean> {
    await destination.end();
    this.#confirmed = this.#underway.at(-1)?.cursor ?? this.#confirmed;
    this.#underway = [];
    await this.#save();
    return isOver;
  }

  #note(cursor: LogCursor, { isConfirming }: LogDestination): void {
    const atMs = this.#options.clock.monotonicMs();
    const last = this.#underway.at(-1);
    if (isConfirming) this.#confirmed = cursor;
    else if (last !== undefined && atMs - last.atMs < CHECKPOINT_MS) last.cursor = cursor;
    else this.#underway.push({ cursor, atMs });
    this.#saving ??= this.#saveOften().finally(() => (this.#saving = undefined));
  }

  /** Once a second, until all that was sent is confirmed and saved. */
  async #saveOften(): Promise<void> {
    const { clock } = this.#options;
    const { signal } = this.#close;
    do {
      await clock.sleep(SAVE_PERIOD_MS, { signal }).catch(() => {}); // Closed: saved once more by whoever closes it.
      if (signal.aborted) return;
      const untilMs = clock.monotonicMs() - CONFIRMED_AFTER_MS - CHECKPOINT_MS;
      for (let first = this.#underway[0]; first !== undefined && first.atMs <= untilMs; first = this.#underway[0]) {
        this.#confirmed = first.cursor;
        this.#underway.shift();
      }
      await this.#save();
    } while (this.#underway.length > 0);
  }

  async #save(): Promise<void> {
    const cursor = this.#confirmed;
    if (cursor === this.#saved) return;
    try {
      await saveCursor(this.#options.cursorPath, cursor);
      this.#saved = cursor;
    } catch (error) {
      this.#warn(error, "how far a log has been sent could not be kept");
    }
  }

  #warnOfGap(): void {
    this.#warn(undefined, "part of a log was dropped before it could be sent");
  }

  /** A server that is away for long is reported once a minute. */
  #warn(error: unknown, message: string): void {
    const { daemonLog, containerId, clock } = this.#options;
    const nowMs = clock.monotonicMs();
    if (error !== undefined && nowMs - this.#warnedAtMs < WARNING_PERIOD_MS) return;
    if (error !== undefined) this.#warnedAtMs = nowMs;
    daemonLog.warn({ container: containerId, ...(error !== undefined && { error: errorMessage(error) }) }, message);
  }
}

/** In order, each at most so large, and none empty. */
function* batches(messages: readonly LogMessage[], bytesMax = Infinity): Generator<readonly LogMessage[]> {
  let batch: LogMessage[] = [];
  let bytes = 0;
  for (const message of messages) {
    if (batch.length > 0 && bytes + message.line.length > bytesMax) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(message);
    bytes += message.line.length;
  }
  if (batch.length > 0) yield batch;
}

async function settledOrAborted(promise: Promise<unknown>, signal: AbortSignal): Promise<void> {
  await new Promise<void>(resolve => {
    promise.then(
      () => resolve(),
      () => resolve(),
    );
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
