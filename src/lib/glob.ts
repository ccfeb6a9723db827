import { OperationError } from "./errors.ts";

const PATTERN_CHARACTERS_MAX = 1024;

/** Go's `path.Match`: `*` and `?` stop at slashes. @throws OperationError `invalid` for a pattern that is not closed. */
export function globPattern(pattern: string): RegExp {
  if (pattern.length > PATTERN_CHARACTERS_MAX) throw new OperationError("invalid", "syntax error in pattern");
  let source = "";
  for (let index = 0; index < pattern.length; index++) {
    const character = pattern[index] ?? "";
    if (character === "*")
      source += source.endsWith("[^/]*") ? "" : "[^/]*"; // One star is as good as many, and cannot explode.
    else if (character === "?") source += "[^/]";
    else if (character === "[") {
      const group = /^\[(\^?)((?:\\.|[^\]\\])+)\]/.exec(pattern.slice(index));
      if (group === null) throw new OperationError("invalid", "syntax error in pattern");
      source += `[${group[1] ?? ""}${(group[2] ?? "").replace(/[[&|~]/g, "\\$&")}]`;
      index += group[0].length - 1;
    } else if (character === "\\") {
      const next = pattern[++index];
      if (next === undefined) throw new OperationError("invalid", "syntax error in pattern");
      source += escapeLiteral(next);
    } else source += escapeLiteral(character);
  }
  try {
    return new RegExp(`^${source}$`, "u");
  } catch (cause) {
    throw new OperationError("invalid", "syntax error in pattern", { cause });
  }
}

function escapeLiteral(character: string): string {
  return /[\\^$.*+?()[\]{}|/]/.test(character) ? `\\${character}` : character;
}
