import { errorMessage, OperationError } from "../../../lib/errors.ts";
import type { EscapeToken } from "./logical-lines.ts";
import { ShellPattern } from "./shell-pattern.ts";

export interface ExpandOptions {
  readonly escape: EscapeToken;
  readonly variables: ReadonlyMap<string, string>;
}

export interface Expanded {
  readonly text: string;
  /** Split at the blanks that were not quoted, of variables' values too. */
  readonly words: readonly string[];
}

/** A search for a pattern anywhere in a value starts at each character of it. */
const REPLACED_CHARACTERS_MAX = 1024;

/**
 * Puts variables in and takes quotes and escapes out, as a shell does: `$a`, `${a}`, and with a word for what is not set (`-`, `:-`), what is
 * (`+`, `:+`), what must be (`?`, `:?`), a start or end to cut off (`#`, `##`, `%`, `%%`) or text to replace (`/`, `//`).
 * @throws OperationError `invalid`, in Docker's words.
 */
export function expand(source: string, options: ExpandOptions): Expanded {
  const scan = new Expansion(source, options);
  try {
    return scan.until(undefined, { keepsEscapes: false });
  } catch (error) {
    throw new OperationError("invalid", `failed to process ${JSON.stringify(source)}: ${errorMessage(error)}`, { cause: error });
  }
}

class Expansion {
  readonly #characters: readonly string[];
  readonly #escape: EscapeToken;
  readonly #variables: ReadonlyMap<string, string>;
  #keepsEscapes = false;
  #at = 0;

  constructor(source: string, { escape, variables }: ExpandOptions) {
    this.#characters = [...source];
    this.#escape = escape;
    this.#variables = variables;
  }

  /** Up to an unquoted `stop`, which is taken; or to the end. */
  until(stop: string | undefined, { keepsEscapes }: { readonly keepsEscapes: boolean }): Expanded {
    const outer = this.#keepsEscapes;
    this.#keepsEscapes = keepsEscapes;
    try {
      return this.#until(stop);
    } finally {
      this.#keepsEscapes = outer;
    }
  }

  #until(stop: string | undefined): Expanded {
    const words = new Words();
    let text = "";
    const add = (piece: string, isQuoted: boolean): void => {
      text += piece;
      words.add(piece, isQuoted);
    };
    for (let character = this.#peek(); character !== undefined; character = this.#peek()) {
      if (character === stop) {
        this.#at++;
        return { text, words: words.end() };
      }
      if (character === "'") add(this.#singleQuoted(), true);
      else if (character === '"') add(this.#doubleQuoted(), true);
      else if (character === "$") add(this.#variable(), false);
      else if (character === this.#escape) {
        this.#at++;
        const escaped = this.#next() ?? "";
        add((this.#keepsEscapes ? character : "") + escaped, true);
      } else {
        this.#at++;
        add(character, false);
      }
    }
    if (stop === undefined) return { text, words: words.end() };
    throw new OperationError("invalid", `unexpected end of statement while looking for matching ${stop}`);
  }

  #singleQuoted(): string {
    const end = this.#characters.indexOf("'", this.#at + 1);
    if (end < 0) throw unmatched("single");
    const text = this.#characters.slice(this.#at + 1, end).join("");
    this.#at = end + 1;
    return text;
  }

  #doubleQuoted(): string {
    this.#at++;
    let text = "";
    for (;;) {
      const character = this.#peek();
      if (character === undefined) throw unmatched("double");
      if (character === "$") {
        text += this.#variable();
        continue;
      }
      this.#at++;
      if (character === '"') return text;
      text += character === this.#escape ? this.#escapedInQuotes() : character;
    }
  }

  /** Only these three can be; elsewhere an escape stands for itself. */
  #escapedInQuotes(): string {
    const following = this.#peek();
    if (following === undefined) return "";
    const isSpecial = following === '"' || following === "$" || following === this.#escape;
    if (isSpecial) this.#at++;
    return (this.#keepsEscapes ? this.#escape : "") + (isSpecial ? following : this.#escape);
  }

  #variable(): string {
    this.#at++;
    if (this.#peek() !== "{") {
      const name = this.#name();
      return name === "" ? "$" : (this.#variables.get(name) ?? "");
    }
    this.#at++;
    const first = this.#peek();
    if (first === undefined) throw new OperationError("invalid", "syntax error: missing '}'");
    if (["{", "}", ":"].includes(first)) throw new OperationError("invalid", "syntax error: bad substitution");
    const name = this.#name();
    const sign = this.#next() ?? "\uFFFD";
    if (sign === "}") return this.#variables.get(name) ?? "";
    return sign === "/" ? this.#replaced(name) : this.#substituted(name, sign);
  }

  #substituted(name: string, sign: string): string {
    const countsEmpty = sign === ":";
    const operator = countsEmpty ? (this.#next() ?? "\uFFFD") : sign;
    const isCut = operator === "#" || operator === "%";
    if (!"-+?#%".includes(operator) || (countsEmpty && isCut)) {
      throw new OperationError("invalid", `unsupported modifier (${countsEmpty ? ":" : ""}${operator}) in substitution`);
    }
    const word = this.#wordUntil("}", "syntax error: missing '}'", { keepsEscapes: isCut });
    const value = this.#variables.get(name);
    const isMissing = value === undefined || (countsEmpty && value === "");
    if (operator === "-") return isMissing ? word : value;
    if (operator === "+") return isMissing ? "" : word;
    if (isCut) return cut(value ?? "", { word, operator });
    if (!isMissing) return value;
    const reason = word || (value === undefined ? "is not allowed to be unset" : "is not allowed to be empty");
    throw new OperationError("invalid", `${name}: ${reason}`);
  }

  #replaced(name: string): string {
    const isEvery = this.#peek() === "/";
    if (isEvery) this.#at++;
    const pattern = this.#wordUntil("/", "syntax error: missing '/' in ${}", { keepsEscapes: true });
    const replacement = this.#wordUntil("}", "syntax error: missing '}'", { keepsEscapes: true });
    return replaceMatches(this.#variables.get(name) ?? "", { pattern, replacement, isEvery });
  }

  #wordUntil(stop: string, missing: string, options: { readonly keepsEscapes: boolean }): string {
    try {
      return this.until(stop, options).text;
    } catch (error) {
      if (this.#peek() === undefined) throw new OperationError("invalid", missing, { cause: error });
      throw error;
    }
  }

  /** Letters, digits and underscores; digits alone; or one sign that stands for itself in a shell. */
  #name(): string {
    const rest = this.#characters.slice(this.#at, this.#at + NAME_CHARACTERS_MAX).join("");
    const [name = ""] = /^(?:\p{Nd}+|[@*#?\-$!]|[\p{L}\p{Nd}_]+)/u.exec(rest) ?? [];
    this.#at += [...name].length;
    return name;
  }

  #peek(): string | undefined {
    return this.#characters[this.#at];
  }

  #next(): string | undefined {
    return this.#characters[this.#at++];
  }
}

const NAME_CHARACTERS_MAX = 4096;

/** Collects words; what was quoted has no blanks to split at. */
class Words {
  readonly #words: string[] = [];
  #word = "";

  add(piece: string, isQuoted: boolean): void {
    if (isQuoted) {
      this.#word += piece;
      return;
    }
    for (const character of piece) {
      if (character.trim() !== "") this.#word += character;
      else this.end();
    }
  }

  end(): readonly string[] {
    if (this.#word !== "") this.#words.push(this.#word);
    this.#word = "";
    return this.#words;
  }
}

function unmatched(kind: "single" | "double"): OperationError {
  return new OperationError("invalid", `unexpected end of statement while looking for matching ${kind}-quote`);
}

function patternOf(text: string): ShellPattern {
  try {
    return new ShellPattern(text);
  } catch (error) {
    throw new OperationError("invalid", `invalid pattern (${text}) in substitution: ${errorMessage(error)}`, { cause: error });
  }
}

function cut(value: string, { word, operator }: { readonly word: string; readonly operator: string }): string {
  const isGreedy = word.startsWith(operator);
  const pattern = patternOf(isGreedy ? word.slice(1) : word);
  const characters = [...value];
  if (operator === "#") return characters.slice(pattern.prefixLength(characters, { isGreedy }) ?? 0).join("");
  return characters.slice(0, characters.length - (pattern.suffixLength(characters, { isGreedy }) ?? 0)).join("");
}

function replaceMatches(
  value: string,
  { pattern, replacement, isEvery }: { readonly pattern: string; readonly replacement: string; readonly isEvery: boolean },
): string {
  const characters = [...value];
  if (characters.length > REPLACED_CHARACTERS_MAX) {
    throw new OperationError("invalid", `a value of more than ${REPLACED_CHARACTERS_MAX} characters cannot be searched`);
  }
  const matcher = patternOf(pattern);
  let result = "";
  for (let at = 0; at < characters.length; ) {
    const length = matcher.prefixLength(characters.slice(at), { isGreedy: true });
    if (length === undefined || length === 0) {
      result += characters[at++] ?? "";
      continue;
    }
    result += replacement;
    at += length;
    if (!isEvery) return result + characters.slice(at).join("");
  }
  return result;
}
