import type { Process } from "./host.ts";

/** A stream of chunks from one process to another, which breaks when either dies. */
export class SnapshotStream {
  readonly #arrived: Uint8Array[] = [];
  #isEnded = false;
  #failure: Error | undefined;
  #wake: (() => void) | undefined;

  constructor(from: Process, to: Process) {
    for (const process of [from, to]) process.onDeath.add(() => this.fail("the other side died"));
  }

  push(chunk: Uint8Array): void {
    this.#arrived.push(chunk);
    this.#wake?.();
  }

  end(): void {
    this.#isEnded = true;
    this.#wake?.();
  }

  fail(why: string): void {
    this.#failure ??= new Error(why);
    this.#wake?.();
  }

  throwIfFailed(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  async *read(): AsyncGenerator<Uint8Array> {
    for (;;) {
      this.throwIfFailed();
      const chunk = this.#arrived.shift();
      if (chunk !== undefined) yield chunk;
      else if (this.#isEnded) return;
      else
        await new Promise<void>(resolve => {
          this.#wake = resolve;
        });
    }
  }
}
