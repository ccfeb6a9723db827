import { setMaxListeners } from "node:events";
import type { Readable, Writable } from "node:stream";
import { OperationError } from "../lib/errors.ts";

/** Messages kept for a slow reader before the sender is held back. */
const PENDING_MAX = 64;

/** A gRPC stream's messages. Ends with the stream; throws what it failed with, or the signal's reason. */
export async function* incoming<Wire>(stream: Readable, { signal }: { readonly signal: AbortSignal }): AsyncGenerator<Wire> {
  const pending: Wire[] = [];
  let isOver = false;
  let failure: unknown;
  let wake = () => {};
  const listeners = {
    data: (message: Wire) => {
      pending.push(message);
      if (pending.length >= PENDING_MAX) stream.pause();
      wake();
    },
    end: () => {
      isOver = true;
      wake();
    },
    close: () => {
      isOver = true;
      wake();
    },
    error: (error: unknown) => {
      failure ??= error;
      wake();
    },
  };
  const onAbort = () => listeners.error(signal.reason);
  for (const [event, listener] of Object.entries(listeners)) stream.on(event, listener);
  setMaxListeners(0, signal); // One signal may end any number of streams.
  signal.addEventListener("abort", onAbort);
  if (signal.aborted) onAbort();
  try {
    for (;;) {
      while (pending.length > 0) {
        yield pending.shift() as Wire;
        if (stream.isPaused() && pending.length < PENDING_MAX / 2) stream.resume();
      }
      if (failure !== undefined) throw failure;
      if (isOver) return;
      await new Promise<void>(resolve => {
        wake = resolve;
      });
    }
  } finally {
    signal.removeEventListener("abort", onAbort);
    stream.off("data", listeners.data);
    stream.on("data", () => {}); // What still comes is thrown away, so that the stream can end.
    stream.resume();
  }
}

/** Writes every message, as fast as the other side takes them. Does not end the stream. */
export async function send<Wire>(
  stream: Writable,
  messages: AsyncIterable<Wire>,
  { signal }: { readonly signal: AbortSignal },
): Promise<void> {
  for await (const message of messages) {
    signal.throwIfAborted();
    if (stream.destroyed || stream.writableEnded) throw new OperationError("unavailable", "the stream is closed");
    if (!stream.write(message)) await drained(stream, signal);
  }
}

async function drained(stream: Writable, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const settle = (error?: unknown) => {
      for (const event of ["drain", "close", "error"]) stream.off(event, onEvent);
      signal.removeEventListener("abort", onAbort);
      if (error === undefined) resolve();
      else reject(error as Error);
    };
    const onEvent = (error?: unknown) => settle(error);
    const onAbort = () => settle(signal.reason);
    for (const event of ["drain", "close", "error"]) stream.once(event, onEvent);
    signal.addEventListener("abort", onAbort);
  });
}

export async function* mapped<From, To>(items: AsyncIterable<From>, convert: (item: From) => To): AsyncGenerator<To> {
  for await (const item of items) yield convert(item);
}
