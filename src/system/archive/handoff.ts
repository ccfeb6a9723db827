/** Hands pieces from one who makes them to one who takes them; the maker waits until each is taken. */
export class Handoff {
  #offered: { readonly data: Uint8Array; readonly taken: () => void } | undefined;
  #wake: () => void = () => undefined;
  #end: { readonly error: unknown } | undefined;
  #isLeft = false;

  async give(data: Uint8Array): Promise<void> {
    if (this.#isLeft) return;
    await new Promise<void>(resolve => {
      this.#offered = { data, taken: resolve };
      this.#wake();
    });
  }

  /** After the last piece. @param error - What the taker gets to see. */
  end(error?: unknown): void {
    this.#end ??= { error };
    this.#wake();
  }

  /** Nobody takes any more: the maker no longer waits. */
  leave(): void {
    this.#isLeft = true;
    this.#offered?.taken();
  }

  async *data(): AsyncGenerator<Uint8Array, void, void> {
    try {
      while (!this.#isLeft) {
        const offered = this.#offered;
        if (offered !== undefined) {
          yield offered.data;
          this.#offered = undefined;
          offered.taken();
        } else if (this.#end !== undefined) {
          if (this.#end.error !== undefined) throw this.#end.error;
          return;
        } else await new Promise<void>(resolve => (this.#wake = resolve));
      }
    } finally {
      this.leave();
    }
  }
}
