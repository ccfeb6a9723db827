import type { OutputStream } from "../logs/cri-line.ts";
import type { ShimStreams } from "../runtime/shim.ts";

type Listener = (stream: OutputStream, data: Uint8Array) => void;

/**
 * A container's live output from its first byte, handed to whoever is attached. It is read whether or not anybody is: conmon waits
 * for its reader, and the container with it.
 */
export class OutputHub {
  readonly streams: ShimStreams;
  /** Bytes since the run began: the same bytes are in the log, from where the run began there. */
  readonly #seenBytes: Record<OutputStream, number> = { stdout: 0, stderr: 0 };
  readonly #listeners = new Map<Listener, () => void>();
  #isEnded = false;
  /** How many clients want it held back. */
  #pauses = 0;
  /** Missing when the shim cannot. */
  readonly pause?: () => void;
  readonly resume?: () => void;

  constructor(streams: ShimStreams) {
    this.streams = streams;
    if (streams.pause !== undefined && streams.resume !== undefined) {
      this.pause = () => {
        if (this.#pauses++ === 0) streams.pause?.();
      };
      this.resume = () => {
        if (--this.#pauses === 0) streams.resume?.();
      };
    }
    streams.subscribe(
      (stream, data) => {
        this.#seenBytes[stream] += data.length;
        for (const listener of this.#listeners.keys()) listener(stream, data);
      },
      () => this.end(),
    );
  }

  /** What came before this moment. */
  get seenBytes(): Readonly<Record<OutputStream, number>> {
    return { ...this.#seenBytes };
  }

  /** @returns a function that ends it. `onEnd` comes at once when the output is over. */
  subscribe(listener: Listener, onEnd: () => void): () => void {
    if (this.#isEnded) onEnd();
    else this.#listeners.set(listener, onEnd);
    return () => this.#listeners.delete(listener);
  }

  /** No more comes, also if the connection did not say so. */
  end(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    for (const onEnd of this.#listeners.values()) onEnd();
    this.#listeners.clear();
  }
}
