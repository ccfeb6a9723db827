import { OperationError } from "../../../lib/errors.ts";

/** A piece of a pattern: any text, any character, or this character. */
type Piece =
  | { readonly kind: "any-text" }
  | { readonly kind: "any-character" }
  | { readonly kind: "literal"; readonly character: string };

/** A shell's `*` and `?`, without its brackets. */
export class ShellPattern {
  readonly #pieces: readonly Piece[];

  constructor(text: string) {
    this.#pieces = parse(text);
  }

  /** How many characters a match takes from the start: the least, or with `isGreedy` the most. `undefined`: there is none. */
  prefixLength(characters: readonly string[], { isGreedy }: { readonly isGreedy: boolean }): number | undefined {
    return matchLength(this.#pieces, characters, isGreedy);
  }

  /** From the end. */
  suffixLength(characters: readonly string[], { isGreedy }: { readonly isGreedy: boolean }): number | undefined {
    return matchLength(this.#pieces.toReversed(), characters.toReversed(), isGreedy);
  }
}

function parse(text: string): readonly Piece[] {
  const pieces: Piece[] = [];
  const characters = [...text];
  for (let index = 0; index < characters.length; index++) {
    const character = characters[index] ?? "";
    if (character === "*") pieces.push({ kind: "any-text" });
    else if (character === "?") pieces.push({ kind: "any-character" });
    else if (character === "\\") {
      const next = characters[++index] ?? "";
      if (!["}", "/", "*", "?", "\\"].includes(next)) throw new OperationError("invalid", `invalid escape '\\${next}'`);
      pieces.push({ kind: "literal", character: next });
    } else pieces.push({ kind: "literal", character });
  }
  return pieces;
}

/** Follows all ways through the pattern at once, so that no pattern takes longer than its length times the text's. */
function matchLength(pieces: readonly Piece[], characters: readonly string[], isGreedy: boolean): number | undefined {
  let places = afterStars(pieces, new Set([0]));
  let found = places.has(pieces.length) ? 0 : undefined;
  for (const [index, character] of characters.entries()) {
    if (found !== undefined && !isGreedy) return found;
    const next = new Set<number>();
    for (const place of places) {
      const piece = pieces[place];
      if (piece?.kind === "any-text") next.add(place);
      else if (piece !== undefined && (piece.kind === "any-character" || piece.character === character)) next.add(place + 1);
    }
    if (next.size === 0) break;
    places = afterStars(pieces, next);
    if (places.has(pieces.length)) found = index + 1;
  }
  return found;
}

/** A star may also stand for nothing. */
function afterStars(pieces: readonly Piece[], places: ReadonlySet<number>): ReadonlySet<number> {
  const all = new Set(places);
  for (const place of all) if (pieces[place]?.kind === "any-text") all.add(place + 1); // What is added is visited too.
  return all;
}
