import type { BigIntStats } from "node:fs";

const FILES_MAX = 256;
const CHARACTERS_MAX = 16 * 1024;
/** A file system's clock may stand still for some milliseconds: a change in the same tick would not show. */
const SETTLED_MS = 1000;

type Identity = Pick<BigIntStats, "dev" | "ino" | "size" | "mtimeNs" | "ctimeNs" | "ctimeMs">;

/** Texts of small files, each for as long as nothing of its file has changed. The one that was not asked for the longest goes first. */
export class KnownTexts {
  readonly #texts = new Map<string, string>();

  get(identity: Identity): string | undefined {
    const key = keyOf(identity);
    const text = this.#texts.get(key);
    if (text === undefined) return undefined;
    this.#texts.delete(key);
    this.#texts.set(key, text);
    return text;
  }

  /** Not kept: what is long, and what changed so short a time before it was read that it may have changed again unnoticed. */
  add(identity: Identity, { text, readAtMs }: { readonly text: string; readonly readAtMs: number }): void {
    if (text.length > CHARACTERS_MAX || readAtMs - Number(identity.ctimeMs) < SETTLED_MS) return;
    this.#texts.set(keyOf(identity), text);
    const [oldest] = this.#texts.keys();
    if (this.#texts.size > FILES_MAX && oldest !== undefined) this.#texts.delete(oldest);
  }
}

function keyOf({ dev, ino, size, mtimeNs, ctimeNs }: Identity): string {
  return `${dev} ${ino} ${size} ${mtimeNs} ${ctimeNs}`;
}
