import { StringDecoder } from "node:string_decoder";
import { errorMessage } from "../../lib/errors.ts";
import type { ProgressMessage } from "../images/progress.ts";
import { CommandFailure } from "./build-request.ts";

/** @see Docker's JSONMessage. */
export interface BuildMessage extends ProgressMessage {
  readonly error?: string;
  readonly errorDetail?: { readonly code?: number; readonly message: string };
}

/** More than this waits for its reader, and the step that prints waits with it. */
const WAITING_MAX = 256;
/** Of a quiet build what is printed is kept for the case that it fails: its end, where it is more. */
const KEPT_CHARACTERS_MAX = 4 * 1024 * 1024;
const RED = "\u001b[91m";
const PLAIN = "\u001b[0m";

/** What a build tells its client, in order. */
export class BuildOutput {
  readonly #isQuiet: boolean;
  readonly #messages: BuildMessage[] = [];
  #keptCharacters = 0;
  #isLeft = false;
  #isOver = false;
  #wakeReader: () => void = () => undefined;
  #wakeWriters: (() => void)[] = [];

  constructor({ isQuiet }: { readonly isQuiet: boolean }) {
    this.#isQuiet = isQuiet;
  }

  /** Resolves when there is room for more. */
  async write(message: BuildMessage): Promise<void> {
    this.#messages.push(message);
    if (this.#isQuiet) return this.#dropOldest(message);
    this.#wakeReader();
    if (this.#messages.length > WAITING_MAX && !this.#isLeft) await new Promise<void>(resolve => this.#wakeWriters.push(resolve));
  }

  async print(text: string): Promise<void> {
    if (text !== "") await this.write({ stream: text });
  }

  /** For the bytes of a program: characters stay whole, and errors are red. */
  printer(kind: "stdout" | "stderr"): (bytes: Uint8Array) => Promise<void> {
    const decoder = new StringDecoder("utf8");
    return async bytes => {
      const text = decoder.write(Buffer.from(bytes));
      if (text !== "") await this.print(kind === "stderr" ? `${RED}${text}${PLAIN}` : text);
    };
  }

  /**
   * Runs a build and gives out what it tells as it comes. What the build throws before it has told anything is thrown; later it is told.
   * @param build - Returns the last line of a quiet one. It runs to its end even when nobody reads on.
   */
  async *messagesOf(build: () => Promise<string>): AsyncGenerator<BuildMessage, void, void> {
    let failure: { readonly error: unknown } | undefined;
    const done = build().then(
      last => this.#end(this.#isQuiet ? [{ stream: last }] : undefined),
      (error: unknown) => {
        failure = { error };
        this.#end();
      },
    );
    let isTold = false;
    try {
      for await (const message of this.#taken()) {
        isTold = true;
        yield message;
      }
      if (failure !== undefined && !isTold) throw failure.error;
      if (failure !== undefined) yield failureMessage(failure.error);
    } finally {
      this.#isLeft = true;
      this.#release();
      await done;
    }
  }

  /** @param instead - What is told in place of all that was kept. */
  #end(instead?: readonly BuildMessage[]): void {
    if (instead !== undefined) this.#messages.splice(0, Infinity, ...instead);
    this.#isOver = true;
    this.#wakeReader();
  }

  async *#taken(): AsyncGenerator<BuildMessage, void, void> {
    for (;;) {
      const message = this.#isQuiet && !this.#isOver ? undefined : this.#messages.shift();
      if (message !== undefined) {
        if (this.#messages.length <= WAITING_MAX) this.#release();
        yield message;
      } else if (this.#isOver) return;
      else await new Promise<void>(resolve => (this.#wakeReader = resolve));
    }
  }

  #release(): void {
    for (const wake of this.#wakeWriters.splice(0)) wake();
  }

  #dropOldest(added: BuildMessage): void {
    this.#keptCharacters += charactersIn(added);
    while (this.#keptCharacters > KEPT_CHARACTERS_MAX) this.#keptCharacters -= charactersIn(this.#messages.shift());
  }
}

function charactersIn(message: BuildMessage | undefined): number {
  return message?.stream?.length ?? 0;
}

function failureMessage(error: unknown): BuildMessage {
  const message = errorMessage(error);
  const code = error instanceof CommandFailure ? { code: error.exitCode } : {};
  return { errorDetail: { ...code, message }, error: message };
}
