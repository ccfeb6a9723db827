/** Runs asynchronous work one after the other, in the order asked. A failure is its caller's alone. */
export class Serial {
  #last: Promise<unknown> = Promise.resolve();

  async run<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work);
    this.#last = result.catch(() => undefined);
    return await result;
  }
}
