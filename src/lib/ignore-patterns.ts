import { posix } from "node:path";
import { OperationError } from "./errors.ts";

const PATTERN_CHARACTERS_MAX = 4096;

interface IgnorePattern {
  readonly expression: RegExp;
  /** `!`: takes back what an earlier one said. */
  readonly isException: boolean;
}

/** The lines of a `.dockerignore` that say something, tidied. */
export function ignoreLines(text: string): readonly string[] {
  return text
    .replace(/^\uFEFF/, "")
    .split("\n")
    .filter(line => !line.startsWith("#"))
    .map(line => line.trim())
    .filter(line => line !== "")
    .map(line => (line.startsWith("!") ? `!${tidied(line.slice(1).trim())}` : tidied(line)));
}

function tidied(pattern: string): string {
  if (pattern === "") return "";
  const clean = cleanPath(pattern);
  return clean.length > 1 && clean.startsWith("/") ? clean.slice(1) : clean;
}

/** Go's `filepath.Clean`. */
function cleanPath(path: string): string {
  const normal = posix.normalize(path);
  return normal.length > 1 ? normal.replace(/\/+$/, "") : normal;
}

/** Which paths of a build's context are left out. @see github.com/moby/patternmatcher. */
export class IgnorePatterns {
  readonly #patterns: readonly IgnorePattern[];

  /** @throws OperationError `invalid` for a pattern that cannot be read. */
  constructor(lines: readonly string[]) {
    this.#patterns = lines.map(line => line.trim()).flatMap(line => (line === "" ? [] : [patternOf(line)]));
  }

  /** Whether a file that is left out may be taken back by a later line. */
  get hasExceptions(): boolean {
    return this.#patterns.some(({ isException }) => isException);
  }

  /** @param path - Of the context, without a slash in front. A folder that is left out takes all in it along. */
  ignores(path: string): boolean {
    if (path === ".") return false;
    const parts = path.split("/");
    const prefixes = parts.map((_, index) => parts.slice(0, index + 1).join("/"));
    let isIgnored = false;
    for (const { expression, isException } of this.#patterns) {
      if (isException === isIgnored && prefixes.some(prefix => expression.test(prefix))) isIgnored = !isException;
    }
    return isIgnored;
  }
}

function patternOf(line: string): IgnorePattern {
  const isException = line.startsWith("!");
  const pattern = cleanPath(isException ? line.slice(1) : line);
  if (isException && line.length === 1) throw new OperationError("invalid", 'illegal exclusion pattern: "!"');
  if (pattern.length > PATTERN_CHARACTERS_MAX) throw new OperationError("invalid", "syntax error in pattern");
  try {
    return { isException, expression: new RegExp(`^${sourceOf(pattern)}$`, "su") };
  } catch (cause) {
    throw new OperationError("invalid", "syntax error in pattern", { cause });
  }
}

/** `**` is any number of folders, `*` and `?` stay within one. */
function sourceOf(pattern: string): string {
  let source = "";
  for (let at = 0; at < pattern.length; at++) {
    const character = pattern[at] ?? "";
    if (pattern.startsWith("**", at)) {
      at += pattern[at + 2] === "/" ? 2 : 1;
      source += at + 1 >= pattern.length ? ".*" : "(?:.*/)?";
    } else if (character === "*") source += "[^/]*";
    else if (character === "?") source += "[^/]";
    else if (character === "\\") source += literal(pattern[++at] ?? "\\");
    else if (character === "[") {
      const [group] = /^\[\^?(?:\\.|[^\]\\])+\]/.exec(pattern.slice(at)) ?? [];
      if (group === undefined) throw new OperationError("invalid", "syntax error in pattern");
      source += group;
      at += group.length - 1;
    } else source += literal(character);
  }
  return source;
}

function literal(character: string): string {
  return /[\\^$.*+?()[\]{}|/]/.test(character) ? `\\${character}` : character;
}
