import type { Process } from "./host.ts";

/** A stream of chunks from one process to another, which breaks when either dies. */
export class SnapshotStream {
  readonly #arrived: Uint8Array[] = [];
  #isEnded = false;
  #failure: Error | undefined;
  #wake: (() => void) | undefined;
  readonly #receiver: Process;

  constructor(from: Process, to: Process) {
    this.#receiver = to;
    for (const process of [from, to]) process.onDeath.add(() => this.fail("the other side died"));
  }

  push(chunk: Uint8Array): void {
    this.#arrived.push(chunk);
    this.#notify();
  }

  end(): void {
    this.#isEnded = true;
    this.#notify();
  }

  fail(why: string): void {
    this.#failure ??= new Error(why);
    this.#notify();
  }

  #notify(): void {
    this.#receiver.pass(() => this.#wake?.());
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
