import { OperationError } from "../../lib/errors.ts";

/** Operations that may wait for one container. */
const WAITING_MAX = 1000;

/** Does one thing after the other. */
export class OperationQueue {
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  async run<T>(operation: () => Promise<T>): Promise<T> {
    if (this.#waiting >= WAITING_MAX) throw new OperationError("unavailable", "too many operations wait for this container");
    this.#waiting++;
    const result = this.#last.then(operation);
    this.#last = result.then(
      () => this.#waiting--,
      () => this.#waiting--,
    );
    return result;
  }
}
