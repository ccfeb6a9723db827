/** Reads so many bytes at a time from a stream that comes in pieces of any size. */
export class FrameReader implements AsyncDisposable {
  readonly #pieces: AsyncIterator<Uint8Array>;
  readonly #cutShort: () => Error;
  #held: Buffer = Buffer.alloc(0);

  /** @param cutShort - What is thrown where the stream ends too soon. */
  constructor(pieces: AsyncIterable<Uint8Array>, { cutShort }: { readonly cutShort: () => Error }) {
    this.#pieces = pieces[Symbol.asyncIterator]();
    this.#cutShort = cutShort;
  }

  async take(count: number): Promise<Buffer> {
    const parts: Buffer[] = [];
    let missing = count;
    while (missing > 0) {
      if (this.#held.length === 0 && !(await this.#more())) throw this.#cutShort();
      const part = this.#held.subarray(0, missing);
      this.#held = this.#held.subarray(part.length);
      parts.push(part);
      missing -= part.length;
    }
    return Buffer.concat(parts);
  }

  async isAtEnd(): Promise<boolean> {
    return this.#held.length === 0 && !(await this.#more());
  }

  /** The rest is not wanted. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pieces.return?.();
  }

  async #more(): Promise<boolean> {
    for (;;) {
      const next = await this.#pieces.next();
      if (next.done === true) return false;
      if (next.value.length === 0) continue;
      this.#held = Buffer.from(next.value.buffer, next.value.byteOffset, next.value.length);
      return true;
    }
  }
}
