import { OperationError } from "../../../lib/errors.ts";

export type EscapeToken = "\\" | "`";

/** An instruction as it stands, its continuation lines joined and comments left out. */
export interface LogicalLine {
  readonly text: string;
  /** From 1. */
  readonly startLine: number;
}

/** As much as one physical line may have, its newline included. */
const LINE_BYTES_MAX = 65_536;
const DIRECTIVES: readonly string[] = ["syntax", "escape", "check"];

/**
 * Reads a Dockerfile line by line: parser directives, comments, continuation lines.
 * @see https://docs.docker.com/reference/dockerfile/#parser-directives
 */
export class LogicalLines {
  readonly #lines: readonly string[];
  readonly #seen = new Set<string>();
  /** Directives come before anything else, blank lines included. */
  #canBeDirective = true;
  #next = 0;
  escape: EscapeToken = "\\";
  /** Instructions with blank lines in them, as they were joined. */
  readonly withGaps: string[] = [];

  constructor(text: string) {
    this.#lines = text.replace(/^\uFEFF/, "").match(/[^\n]*\n|[^\n]+$/g) ?? [];
  }

  /** `undefined` at the end. @throws OperationError `invalid` for a bad directive or a line that is too long. */
  next(): LogicalLine | undefined {
    for (let line = this.#take(); line !== undefined; line = this.#take()) {
      const startLine = this.#next;
      const first = this.#content(line.trimStart());
      const { text, continues } = this.#cutContinuation(first);
      if (!continues && text === "") continue;
      return { text: continues ? this.#join(text) : text, startLine };
    }
    return undefined;
  }

  /** The lines up to one that is `terminator`, which belong to no instruction. @returns whether it was there. */
  skipTo(terminator: string, { ignoresTabs }: { readonly ignoresTabs: boolean }): boolean {
    for (let line = this.#take(); line !== undefined; line = this.#take()) {
      const bare = line.replace(/[\r\n]+$/, "");
      if ((ignoresTabs ? bare.replace(/^\t+/, "") : bare) === terminator) return true;
    }
    return false;
  }

  #join(start: string): string {
    let joined = start;
    let hasGap = false;
    for (let line = this.#take(); line !== undefined; line = this.#take()) {
      if (isComment(line)) continue;
      if (line.trim() === "") {
        hasGap = true;
        continue;
      }
      const { text, continues } = this.#cutContinuation(this.#content(line));
      joined += text;
      if (!continues) break;
    }
    if (hasGap) this.withGaps.push(joined);
    return joined;
  }

  #take(): string | undefined {
    const line = this.#lines[this.#next];
    if (line === undefined) return undefined;
    if (Buffer.byteLength(line) > LINE_BYTES_MAX) {
      throw new OperationError("invalid", `dockerfile line greater than max allowed size of ${LINE_BYTES_MAX - 1}`);
    }
    this.#next++;
    return line;
  }

  /** Without its end, and without all of it where it is a comment. */
  #content(line: string): string {
    const bare = line.replace(/[\r\n]+$/, "");
    this.#takeDirective(bare);
    return isComment(bare) ? "" : bare;
  }

  #takeDirective(line: string): void {
    if (!this.#canBeDirective) return;
    const [, key = "", value = ""] = /^#\s*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(.+?)\s*$/.exec(line) ?? [];
    const name = key.toLowerCase();
    if (!DIRECTIVES.includes(name)) {
      this.#canBeDirective = false;
      return;
    }
    if (this.#seen.has(name)) throw new OperationError("invalid", `only one ${name} parser directive can be used`);
    this.#seen.add(name);
    if (name !== "escape") return;
    if (value !== "\\" && value !== "`") {
      throw new OperationError("invalid", `invalid escape token '${value}' does not match \` or \\`);
    }
    this.escape = value;
  }

  /** A token that is itself escaped continues nothing. */
  #cutContinuation(line: string): { readonly text: string; readonly continues: boolean } {
    const token = this.escape === "\\" ? "\\\\" : "`";
    const match = new RegExp(`(^|[^${token}])${token}[ \\t]*$`).exec(line);
    if (match === null) return { text: line, continues: false };
    return { text: line.slice(0, match.index) + (match[1] ?? ""), continues: true };
  }
}

function isComment(line: string): boolean {
  return line.trimStart().startsWith("#");
}
