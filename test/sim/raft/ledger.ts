import assert from "node:assert/strict";
import { crc32 } from "node:zlib";
import type { StateMachine } from "../../../src/ports/consensus.ts";

/** What all managers together applied: the first to apply an entry says what it is, the others must agree. */
export class Ledger {
  readonly #chainAt = new Map<number, number>();
  readonly #textAt = new Map<number, string>();
  readonly #texts = new Set<string>();
  lastIndex = 0;

  /** @param chain - the checksum of everything applied up to `index`. */
  applied(host: number, { index, text, chain }: { readonly index: number; readonly text: string; readonly chain: number }): void {
    const known = this.#textAt.get(index);
    if (known === undefined) {
      assert.ok(!this.#texts.has(text), `manager ${host} applied ${text} twice, again at ${index}`);
      this.#textAt.set(index, text);
      this.#chainAt.set(index, chain);
      this.#texts.add(text);
      this.lastIndex = Math.max(this.lastIndex, index);
    }
    assert.equal(this.#textAt.get(index), text, `state machine safety: manager ${host} applied another entry ${index}`);
    this.agrees(host, { index, chain });
  }

  agrees(host: number, { index, chain }: { readonly index: number; readonly chain: number }): void {
    if (index === 0) return;
    assert.equal(chain, this.#chainAt.get(index), `state machine safety: manager ${host} got to ${index} by other entries`);
  }

  holds(text: string): boolean {
    return this.#texts.has(text);
  }

  textAt(index: number): string | undefined {
    return this.#textAt.get(index);
  }
}

/** A state machine that is the checksum of everything applied, so that a skipped or swapped entry shows. */
export class ChainMachine implements StateMachine {
  readonly #host: number;
  readonly #ledger: Ledger;
  #index = 0;
  #chain = 0;

  constructor(host: number, ledger: Ledger) {
    this.#host = host;
    this.#ledger = ledger;
  }

  get index(): number {
    return this.#index;
  }

  apply({ index, data }: { readonly index: number; readonly data: Uint8Array }): number {
    assert.ok(index > this.#index, `manager ${this.#host} applied ${index} after ${this.#index}`);
    this.#index = index;
    this.#chain = crc32(data, this.#chain);
    this.#ledger.applied(this.#host, { index, text: Buffer.from(data).toString(), chain: this.#chain });
    return index;
  }

  async *snapshot(): AsyncGenerator<Uint8Array> {
    const parts = [this.#index, this.#chain].map(value => Buffer.from(String(value)));
    yield* parts;
  }

  async restore(chunks: AsyncIterable<Uint8Array>): Promise<void> {
    const parts: number[] = [];
    for await (const chunk of chunks) parts.push(Number(Buffer.from(chunk).toString()));
    const [index = Number.NaN, chain = Number.NaN] = parts;
    assert.ok(parts.length === 2 && index >= this.#index, "a whole snapshot, and no older one");
    this.#index = index;
    this.#chain = chain;
    this.#ledger.agrees(this.#host, { index, chain });
  }
}
