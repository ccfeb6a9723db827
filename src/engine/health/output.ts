const OUTPUT_BYTES_MAX = 4096;

/** The beginning of what a probe prints. */
export class ProbeOutput {
  readonly #chunks: Uint8Array[] = [];
  #bytes = 0;

  get isFull(): boolean {
    return this.#bytes > OUTPUT_BYTES_MAX;
  }

  add(data: Uint8Array): void {
    if (this.#bytes < OUTPUT_BYTES_MAX) this.#chunks.push(data.slice(0, OUTPUT_BYTES_MAX - this.#bytes));
    this.#bytes += data.length;
  }

  /** With dots at its end where there was more, as Docker's. */
  toString(): string {
    return `${Buffer.concat(this.#chunks).toString("utf8")}${this.isFull ? "..." : ""}`;
  }
}
