/**
 * A signal that is aborted with the first of its sources, with its reason, until it is disposed.
 *
 * `AbortSignal.any` leaves something behind at each source for as long as that lives: some bytes, or the whole signal while anybody
 * listens to it. That is too much where a signal that lives as long as the process is joined at every beat, report or task.
 */
export class LinkedSignal implements Disposable {
  readonly #controller = new AbortController();
  readonly #sources: readonly AbortSignal[];

  constructor(sources: readonly AbortSignal[]) {
    this.#sources = sources;
    for (const source of sources) {
      if (source.aborted) this.#controller.abort(source.reason);
      source.addEventListener("abort", this.#onAbort);
    }
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  readonly #onAbort = ({ target }: Event): void => {
    this.#controller.abort(target instanceof AbortSignal ? target.reason : undefined);
  };

  /** It hears of its sources no more. Safe to call twice. */
  [Symbol.dispose](): void {
    for (const source of this.#sources) source.removeEventListener("abort", this.#onAbort);
  }
}
