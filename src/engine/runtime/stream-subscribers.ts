import type { ShimStreams } from "./shim.ts";

type DataListener = Parameters<ShimStreams["subscribe"]>[0];

/** Who listens to one pair of output streams; all hear the same, from when they came. */
export class StreamSubscribers {
  readonly #listeners = new Map<symbol, { readonly onData: DataListener; readonly onEnd: () => void }>();
  #hasEnded = false;

  /** One that comes after the end is told at once. @returns a function that ends the subscription. */
  subscribe(onData: DataListener, onEnd: () => void): () => void {
    if (this.#hasEnded) {
      queueMicrotask(onEnd);
      return () => undefined;
    }
    const key = Symbol("subscriber");
    this.#listeners.set(key, { onData, onEnd });
    return () => void this.#listeners.delete(key);
  }

  publish(stream: "stdout" | "stderr", data: Uint8Array): void {
    for (const { onData } of this.#listeners.values()) onData(stream, data);
  }

  end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    for (const { onEnd } of this.#listeners.values()) onEnd();
    this.#listeners.clear();
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }
}
