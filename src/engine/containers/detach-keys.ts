import { OperationError } from "../../lib/errors.ts";

export const DEFAULT_DETACH_KEYS = "ctrl-p,ctrl-q";
const CONTROL_SYMBOLS: Readonly<Record<string, number>> = { "@": 0, "[": 27, "\\": 28, "]": 29, "^": 30, _: 31 };
const DELETE = 127;

/** `ctrl-p,ctrl-q`, `a,b`, `DEL`. @throws OperationError `invalid` in Docker's words. */
export function parseDetachKeys(text: string): readonly number[] {
  return text.split(",").map(key => {
    const code = keyCode(key);
    if (code === undefined) throw new OperationError("invalid", `Invalid detach keys (${text}) provided`);
    return code;
  });
}

function keyCode(key: string): number | undefined {
  if (key.length === 1) return key.charCodeAt(0);
  if (key === "DEL") return DELETE;
  const control = /^ctrl-(.)$/.exec(key)?.[1];
  if (control === undefined) return undefined;
  return /[a-z]/.test(control) ? control.charCodeAt(0) - 96 : CONTROL_SYMBOLS[control];
}

/** Looks for the detach keys in what is typed. Keys that may be their beginning are held back until it is clear. */
export class DetachKeys {
  readonly #keys: readonly number[];
  #matched = 0;

  constructor(text: string | undefined) {
    this.#keys = parseDetachKeys(text === undefined || text === "" ? DEFAULT_DETACH_KEYS : text);
  }

  /** @returns what goes on to the container, and whether the keys were complete. */
  feed(data: Uint8Array): { readonly forward: Uint8Array; readonly isDetached: boolean } {
    const forward: number[] = [];
    for (const byte of data) {
      if (byte !== this.#keys[this.#matched] && this.#matched > 0) {
        forward.push(...this.#keys.slice(0, this.#matched));
        this.#matched = 0;
      }
      if (byte === this.#keys[this.#matched]) this.#matched++;
      else forward.push(byte);
      if (this.#matched === this.#keys.length) return { forward: Uint8Array.from(forward), isDetached: true };
    }
    return { forward: Uint8Array.from(forward), isDetached: false };
  }
}
