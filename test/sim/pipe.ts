import { OperationError } from "../../src/lib/errors.ts";
import type { SimulatedProcess } from "./process.ts";

/** A stream of things from one process to another, in order, which breaks when either dies. */
export class Pipe<T> {
  readonly #arrived: T[] = [];
  #isEnded = false;
  #failure: Error | undefined;
  #wake: (() => void) | undefined;
  readonly #receiver: SimulatedProcess;

  constructor(from: SimulatedProcess, to: SimulatedProcess) {
    this.#receiver = to;
    for (const process of [from, to]) process.onDeath.add(() => this.fail("the other side died"));
  }

  push(thing: T): void {
    this.#arrived.push(thing);
    this.#notify();
  }

  end(): void {
    this.#isEnded = true;
    this.#notify();
  }

  fail(why: string | Error): void {
    this.#failure ??= typeof why === "string" ? new OperationError("unavailable", why) : why;
    this.#notify();
  }

  #notify(): void {
    this.#receiver.pass(() => this.#wake?.());
  }

  throwIfFailed(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  async *read(): AsyncGenerator<T, void, undefined> {
    for (;;) {
      this.throwIfFailed();
      const thing = this.#arrived.shift();
      if (thing !== undefined) yield thing;
      else if (this.#isEnded) return;
      else
        await new Promise<void>(resolve => {
          this.#wake = resolve;
        });
    }
  }
}
