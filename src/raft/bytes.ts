import { assert } from "../lib/assert.ts";
import { OperationError } from "../lib/errors.ts";

const utf8 = new TextEncoder();
const fromUtf8 = new TextDecoder("utf-8", { fatal: true });
const HIGH_BIT = 128;

/** Builds one binary record: unsigned integers of 7 bits a byte, low bits first, up to 2^53 - 1. */
export class ByteWriter {
  #buffer: Uint8Array;
  #length = 0;

  constructor(sizeHint = 64) {
    this.#buffer = new Uint8Array(sizeHint);
  }

  #reserve(count: number): void {
    const needed = this.#length + count;
    if (needed <= this.#buffer.length) return;
    const grown = new Uint8Array(Math.max(needed, this.#buffer.length * 2));
    grown.set(this.#buffer.subarray(0, this.#length));
    this.#buffer = grown;
  }

  byte(value: number): this {
    this.#reserve(1);
    this.#buffer[this.#length++] = value;
    return this;
  }

  flag(value: boolean): this {
    return this.byte(value ? 1 : 0);
  }

  uint(value: number): this {
    assert(Number.isSafeInteger(value) && value >= 0, `${value} is no unsigned integer`);
    this.#reserve(8);
    let rest = value;
    while (rest >= HIGH_BIT) {
      this.#buffer[this.#length++] = (rest % HIGH_BIT) + HIGH_BIT;
      rest = Math.floor(rest / HIGH_BIT);
    }
    this.#buffer[this.#length++] = rest;
    return this;
  }

  bytes(value: Uint8Array): this {
    this.uint(value.length);
    this.#reserve(value.length);
    this.#buffer.set(value, this.#length);
    this.#length += value.length;
    return this;
  }

  text(value: string): this {
    return this.bytes(utf8.encode(value));
  }

  finish(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }
}

/** Reads what ByteWriter wrote. What does not fit throws an OperationError `invalid`: the bytes came from outside. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  byte(): number {
    const value = this.#bytes[this.#at];
    if (value === undefined) throw new OperationError("invalid", "record ends too early");
    this.#at += 1;
    return value;
  }

  flag(): boolean {
    const value = this.byte();
    if (value > 1) throw new OperationError("invalid", `${value} is no flag`);
    return value === 1;
  }

  uint(): number {
    let value = 0;
    for (let scale = 1; ; scale *= HIGH_BIT) {
      const byte = this.byte();
      value += (byte % HIGH_BIT) * scale;
      if (!Number.isSafeInteger(value)) throw new OperationError("invalid", "integer over 2^53");
      if (byte < HIGH_BIT) return value;
    }
  }

  /** A view, not a copy. */
  bytes(): Uint8Array {
    const length = this.uint();
    const end = this.#at + length;
    if (end > this.#bytes.length) throw new OperationError("invalid", "record ends too early");
    const value = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return value;
  }

  text(): string {
    try {
      return fromUtf8.decode(this.bytes());
    } catch (cause) {
      throw new OperationError("invalid", "text is not UTF-8", { cause });
    }
  }

  end(): void {
    if (!this.isAtEnd) throw new OperationError("invalid", "record is longer than what it says");
  }
}
