import { type ChildProcessByStdio, spawn } from "node:child_process";
import { createRequire } from "node:module";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { OperationError } from "../../lib/errors.ts";
import { type ArchiveJob, type ArchiveReply, FRAME_BYTES_MAX } from "./protocol.ts";

const STDERR_BYTES_MAX = 8 * 1024;

/** One archive helper. It does one job at a time; after a failure it is over and another must be started. */
export class HelperProcess {
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #exited: Promise<void>;
  #stderr = "";
  #output = "";
  #waiting: { readonly resolve: (reply: ArchiveReply) => void; readonly reject: (error: Error) => void } | undefined;
  #isOver = false;

  private constructor(child: ChildProcessByStdio<Writable, Readable, Readable>) {
    this.#child = child;
    this.#exited = new Promise(resolve => child.once("close", () => resolve()));
    child.stdout.setEncoding("utf8").on("data", (text: string) => this.#onOutput(text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-STDERR_BYTES_MAX);
    });
    child.stdin.on("error", () => undefined); // It died: told by "close".
    child.once("error", error => this.#onEnd(error));
    child.once("close", () => this.#onEnd());
  }

  static start(): HelperProcess {
    const { file, args } = helperCommand(import.meta.url);
    const child = spawn(file, args, { stdio: ["pipe", "pipe", "pipe"], cwd: "/", env: { PATH: process.env["PATH"] ?? "" } });
    return new HelperProcess(child);
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** @throws OperationError with the helper's reason, or what reading `stream` threw. */
  async run(job: ArchiveJob, stream?: AsyncIterable<Uint8Array>): Promise<ArchiveReply> {
    const reply = new Promise<ArchiveReply>((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
    const sent = this.#send(job, stream);
    try {
      // A reply before the end of the stream is a failure; then the helper is gone and `sent` ends by itself.
      const result = await Promise.race([reply, sent.then(() => reply)]);
      if (result.kind === "failed") {
        this.#isOver = true;
        throw new OperationError(result.errorKind, result.message);
      }
      return result;
    } catch (error) {
      reply.catch(() => undefined);
      await this.stop();
      throw error;
    } finally {
      this.#waiting = undefined;
      await sent.catch(() => undefined);
    }
  }

  /** Ends it, whatever it does. Twice is safe. */
  async stop(): Promise<void> {
    this.#isOver = true;
    this.#child.kill("SIGKILL");
    await this.#exited;
  }

  async #send(job: ArchiveJob, stream: AsyncIterable<Uint8Array> | undefined): Promise<void> {
    await this.#write(Buffer.from(JSON.stringify(job)));
    if (stream === undefined) return;
    for await (const bytes of stream) {
      for (let at = 0; at < bytes.length; at += FRAME_BYTES_MAX) await this.#write(bytes.subarray(at, at + FRAME_BYTES_MAX));
      if (this.#isOver) return;
    }
    await this.#write(Buffer.alloc(0));
  }

  async #write(payload: Uint8Array): Promise<void> {
    if (this.#isOver) return;
    const length = Buffer.alloc(4);
    length.writeUInt32LE(payload.length);
    this.#child.stdin.write(length);
    // Resolves when the bytes are gone or the pipe is broken: the caller may then reuse its buffer.
    await new Promise<void>(resolve => {
      this.#child.stdin.write(payload, () => resolve());
    });
  }

  #onOutput(text: string): void {
    this.#output += text;
    const end = this.#output.indexOf("\n");
    if (end < 0) return;
    const reply = JSON.parse(this.#output.slice(0, end)) as ArchiveReply;
    this.#output = this.#output.slice(end + 1);
    this.#waiting?.resolve(reply);
  }

  #onEnd(cause?: Error): void {
    this.#isOver = true;
    const reason = this.#stderr.trim() || cause?.message || "it ended early";
    this.#waiting?.reject(new OperationError("internal", `archive helper: ${reason}`, cause === undefined ? {} : { cause }));
  }
}

/** From a bundle: the bundle beside it. From sources: the source, with the loader that runs this process. */
function helperCommand(moduleUrl: string): { readonly file: string; readonly args: readonly string[] } {
  if (!moduleUrl.endsWith(".ts")) {
    return { file: process.execPath, args: [fileURLToPath(new URL("./archive-helper.mjs", moduleUrl))] };
  }
  const loader = createRequire(moduleUrl).resolve("tsx");
  return { file: process.execPath, args: ["--import", loader, fileURLToPath(new URL("../archive-helper.ts", moduleUrl))] };
}
