import { OperationError } from "../../lib/errors.ts";

/**
 * Reads a body as Go's decoder would, with its words for what is wrong.
 *
 * @throws OperationError `invalid`.
 */
export function parseJson(source: string): unknown {
  if (source.trim() === "") throw new OperationError("invalid", "invalid JSON: got EOF while reading request body");
  try {
    return JSON.parse(source) as unknown;
  } catch (error) {
    throw new OperationError("invalid", complaintAbout(source), { cause: error });
  }
}

function complaintAbout(source: string): string {
  const found = new Scanner(source).complaint();
  return found ?? "invalid JSON: unexpected EOF";
}

/** Finds the first mistake in text that is not JSON. Only runs on bodies that failed. */
class Scanner {
  readonly #source: string;
  #at = 0;

  constructor(source: string) {
    this.#source = source;
  }

  complaint(): string | undefined {
    try {
      this.#value();
      this.#space();
      return this.#at < this.#source.length ? "unexpected content after JSON" : undefined;
    } catch (error) {
      return error instanceof Complaint ? `invalid JSON: ${error.message}` : undefined;
    }
  }

  #space(): void {
    while (" \t\r\n".includes(this.#source[this.#at] ?? "x")) this.#at++;
  }

  #fail(context: string): never {
    const character = this.#source[this.#at];
    if (character === undefined) throw new Complaint("unexpected EOF");
    throw new Complaint(`invalid character ${quoted(character)} ${context}`);
  }

  #value(): void {
    this.#space();
    const character = this.#source[this.#at];
    if (character === "{") return this.#object();
    if (character === "[") return this.#array();
    if (character === '"') return this.#string();
    if (character === "-" || isDigit(character)) return this.#number();
    for (const literal of ["true", "false", "null"]) if (character === literal[0]) return this.#literal(literal);
    return this.#fail("looking for beginning of value");
  }

  #object(): void {
    this.#at++;
    this.#space();
    if (this.#source[this.#at] === "}") return void this.#at++;
    for (;;) {
      this.#space();
      if (this.#source[this.#at] !== '"') this.#fail("looking for beginning of object key string");
      this.#string();
      this.#space();
      if (this.#source[this.#at] !== ":") this.#fail("after object key");
      this.#at++;
      this.#value();
      this.#space();
      const next = this.#source[this.#at];
      if (next !== "," && next !== "}") this.#fail("after object key:value pair");
      this.#at++;
      if (next === "}") return;
    }
  }

  #array(): void {
    this.#at++;
    this.#space();
    if (this.#source[this.#at] === "]") return void this.#at++;
    for (;;) {
      this.#value();
      this.#space();
      const next = this.#source[this.#at];
      if (next !== "," && next !== "]") this.#fail("after array element");
      this.#at++;
      if (next === "]") return;
    }
  }

  #string(): void {
    this.#at++;
    for (;;) {
      const character = this.#source[this.#at];
      if (character === undefined || character < " ") this.#fail("in string literal");
      this.#at++;
      if (character === '"') return;
      if (character !== "\\") continue;
      const escape = this.#source[this.#at];
      if (escape === undefined || !'"\\/bfnrtu'.includes(escape)) this.#fail("in string escape code");
      this.#at++;
      if (escape !== "u") continue;
      for (let digits = 0; digits < 4; digits++, this.#at++) {
        if (!/[0-9a-fA-F]/.test(this.#source[this.#at] ?? "")) this.#fail("in \\u hexadecimal character escape");
      }
    }
  }

  #number(): void {
    if (this.#source[this.#at] === "-") this.#at++;
    if (!isDigit(this.#source[this.#at])) this.#fail("in numeric literal");
    if (this.#source[this.#at] === "0") this.#at++;
    else this.#digits();
    if (this.#source[this.#at] === ".") {
      this.#at++;
      if (!isDigit(this.#source[this.#at])) this.#fail("after decimal point in numeric literal");
      this.#digits();
    }
    if (!"eE".includes(this.#source[this.#at] ?? "x")) return;
    this.#at++;
    if ("+-".includes(this.#source[this.#at] ?? "x")) this.#at++;
    if (!isDigit(this.#source[this.#at])) this.#fail("in exponent of numeric literal");
    this.#digits();
  }

  #digits(): void {
    while (isDigit(this.#source[this.#at])) this.#at++;
  }

  #literal(literal: string): void {
    for (const expected of literal) {
      if (this.#source[this.#at] !== expected) this.#fail(`in literal ${literal} (expecting ${quoted(expected)})`);
      this.#at++;
    }
  }
}

class Complaint extends Error {
  override readonly name = "Complaint";
}

function isDigit(character: string | undefined): boolean {
  return character !== undefined && character >= "0" && character <= "9";
}

function quoted(character: string): string {
  if (character === "'") return "'\\''";
  return `'${JSON.stringify(character).slice(1, -1).replace('\\"', '"')}'`;
}
