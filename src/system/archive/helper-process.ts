import { type ChildProcessByStdio, spawn } from "node:child_process";
import { createRequire } from "node:module";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { OperationError } from "../../lib/errors.ts";
import type { IdMap } from "../../model/id-map.ts";
import { Handoff } from "./handoff.ts";
import { outputFrames } from "./output-frames.ts";
import { type ArchiveJob, type ArchiveReply, DATA_FRAME, FRAME_BYTES_MAX } from "./protocol.ts";
import { failpointNow } from "../../ports/failpoint.ts";

const STDERR_BYTES_MAX = 8 * 1024;

/** One archive helper. It does one job at a time; after a failure it is over and another must be started. */
export class HelperProcess {
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #exited: Promise<void>;
  #stderr = "";
  #handoff: Handoff | undefined;
  #early: ArchiveReply | undefined;
  #waiting: { readonly resolve: (reply: ArchiveReply) => void; readonly reject: (error: Error) => void } | undefined;
  #isOver = false;

  private constructor(child: ChildProcessByStdio<Writable, Readable, Readable>) {
    this.#child = child;
    this.#exited = new Promise(resolve => child.once("close", () => resolve()));
    void this.#readOutput(child.stdout);
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-STDERR_BYTES_MAX);
    });
    child.stdin.on("error", () => undefined); // It died: told by "close".
    child.once("error", error => this.#onEnd(error));
    child.once("close", () => this.#onEnd());
  }

  static start(idMap?: IdMap): HelperProcess {
    const { file, args: program } = helperCommand(import.meta.url);
    const args = idMap === undefined ? program : [...program, JSON.stringify(idMap)];
    const child = failpointNow("archive/helper.spawn", () =>
      spawn(file, args, { stdio: ["pipe", "pipe", "pipe"], cwd: "/", env: { PATH: process.env["PATH"] ?? "" } }),
    );
    return new HelperProcess(child);
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** @throws OperationError with the helper's reason, or what reading `stream` threw. */
  async run(job: ArchiveJob, stream?: AsyncIterable<Uint8Array>): Promise<ArchiveReply> {
    this.#early = undefined;
    const reply = new Promise<ArchiveReply>((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
    let isSent = false;
    let canGoOn = false;
    const sent = this.#send(job, stream).then(() => (isSent = true));
    try {
      // A reply before the end of the stream is a failure; then the helper is gone and `sent` ends by itself.
      const result = await Promise.race([reply, sent.then(() => reply)]);
      if (result.kind !== "failed") return result;
      canGoOn = result.goesOn && isSent;
      throw new OperationError(result.errorKind, result.message);
    } catch (error) {
      reply.catch(() => undefined);
      if (!canGoOn) await this.stop();
      throw error;
    } finally {
      this.#waiting = undefined;
      await sent.catch(() => undefined);
    }
  }

  /**
   * A job whose answer is a stream.
   * @returns its first reply, where the job has one before the data, and the data, which throws what the job failed with.
   */
  async open(
    job: ArchiveJob,
    { hasFirstReply }: { readonly hasFirstReply: boolean },
  ): Promise<{ readonly first: ArchiveReply | undefined; readonly data: AsyncIterable<Uint8Array> }> {
    const handoff = new Handoff();
    this.#handoff = handoff;
    const first = hasFirstReply ? await this.run(job) : undefined;
    const rest = hasFirstReply ? this.#nextReply() : this.run(job);
    rest.then(
      () => handoff.end(),
      (error: unknown) => handoff.end(error),
    );
    return { first, data: handoff.data() };
  }

  /** Of a job that goes on. */
  async #nextReply(): Promise<ArchiveReply> {
    const early = this.#early;
    this.#early = undefined;
    if (early === undefined && this.#isOver) throw this.#endError();
    const reply = early ?? (await new Promise<ArchiveReply>((resolve, reject) => (this.#waiting = { resolve, reject })));
    if (reply.kind !== "failed") return reply;
    this.#isOver = !reply.goesOn;
    throw new OperationError(reply.errorKind, reply.message);
  }

  /** Ends it, whatever it does. Twice is safe. */
  async stop(): Promise<void> {
    this.#isOver = true;
    this.#handoff?.leave(); // Its output must come to an end.
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

  /** Data is not read faster than it is taken. */
  async #readOutput(output: AsyncIterable<Uint8Array>): Promise<void> {
    try {
      for await (const { kind, payload } of outputFrames(output)) {
        if (kind === DATA_FRAME) await this.#handoff?.give(payload);
        else this.#onReply(JSON.parse(Buffer.from(payload).toString("utf8")) as ArchiveReply);
      }
    } catch (error) {
      this.#onEnd(error instanceof Error ? error : undefined);
    }
  }

  /** Two may come before anybody asks for the second. */
  #onReply(reply: ArchiveReply): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting === undefined) this.#early = reply;
    else waiting.resolve(reply);
  }

  #onEnd(cause?: Error): void {
    this.#isOver = true;
    this.#waiting?.reject(this.#endError(cause));
  }

  #endError(cause?: Error): OperationError {
    const reason = this.#stderr.trim() || cause?.message || "it ended early";
    return new OperationError("internal", `archive helper: ${reason}`, cause === undefined ? {} : { cause });
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
