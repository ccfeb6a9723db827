/** `ctrl-p,ctrl-q` or `a,b` as bytes. @returns undefined when it is no sequence of keys. */
export function parseDetachKeys(keys: string): Uint8Array | undefined {
  const codes = keys.split(",").map(key => {
    const [, control] = /^ctrl-([a-z@[\\\]^_])$/.exec(key) ?? [];
    if (control !== undefined) return control === "@" ? 0 : control.toUpperCase().charCodeAt(0) - "@".charCodeAt(0);
    return key.length === 1 ? key.charCodeAt(0) : undefined;
  });
  return codes.some(code => code === undefined) ? undefined : Uint8Array.from(codes as number[]);
}

/** What the keyboard sends when nothing else is configured. */
export const DEFAULT_DETACH_KEYS = Uint8Array.of(0x10, 0x11);

/** Watches input for the keys that detach; a key that may begin them is held back until the next one tells. */
export class DetachKeyFilter {
  readonly #keys: Uint8Array;
  #matched = 0;

  constructor(keys: Uint8Array) {
    this.#keys = keys;
  }

  /** @returns what is to be passed on, and whether the user wants to leave. */
  push(input: Uint8Array): { readonly data: Uint8Array; readonly isDetached: boolean } {
    const data: number[] = [];
    for (const byte of input) {
      if (byte === this.#keys[this.#matched]) {
        this.#matched++;
        if (this.#matched === this.#keys.length) return { data: Uint8Array.from(data), isDetached: true };
        continue;
      }
      data.push(...this.#keys.subarray(0, this.#matched));
      this.#matched = byte === this.#keys[0] ? 1 : 0;
      if (this.#matched === 0) data.push(byte);
    }
    return { data: Uint8Array.from(data), isDetached: false };
  }
}
