/** All MessagePack objects in `data`, as a fluentd server reads them: written from the format's description, apart from what packs them. */
export function unpackAll(data: Buffer): readonly unknown[] {
  const reader = new Reader(data);
  const objects: unknown[] = [];
  while (!reader.isAtEnd) {
    try {
      objects.push(reader.next());
    } catch (error) {
      if (error instanceof RangeError) break; // The rest has not come yet.
      throw error;
    }
  }
  return objects;
}

class Reader {
  readonly #data: Buffer;
  #at = 0;

  constructor(data: Buffer) {
    this.#data = data;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#data.length;
  }

  next(): unknown {
    const head = this.#uint(1);
    if (head < 0x80) return head;
    if (head < 0x90) return this.#map(head & 0x0f);
    if (head < 0xa0) return this.#list(head & 0x0f);
    if (head < 0xc0) return this.#text(head & 0x1f);
    if (head >= 0xd9 && head <= 0xdb) return this.#text(this.#uint(2 ** (head - 0xd9)));
    if (head === 0xdc || head === 0xdd) return this.#list(this.#uint(head === 0xdc ? 2 : 4));
    if (head === 0xde || head === 0xdf) return this.#map(this.#uint(head === 0xde ? 2 : 4));
    if (head >= 0xcc && head <= 0xcf) return this.#uint(2 ** (head - 0xcc));
    if (head === 0xd7 && this.#uint(1) === 0) return { seconds: this.#uint(4), nanoseconds: this.#uint(4) };
    throw new Error(`what begins with ${head} was not expected`);
  }

  #take(bytes: number): Buffer {
    if (this.#at + bytes > this.#data.length) throw new RangeError("there is no more");
    this.#at += bytes;
    return this.#data.subarray(this.#at - bytes, this.#at);
  }

  #uint(bytes: number): number {
    const taken = this.#take(bytes);
    return bytes === 8 ? Number(taken.readBigUInt64BE()) : taken.readUIntBE(0, bytes);
  }

  #text(bytes: number): string {
    return this.#take(bytes).toString();
  }

  #list(count: number): unknown[] {
    return Array.from({ length: count }, () => this.next());
  }

  #map(count: number): Record<string, unknown> {
    return Object.fromEntries(Array.from({ length: count }, () => [String(this.next()), this.next()]));
  }
}
