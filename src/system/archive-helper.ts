import { createHash } from "node:crypto";
import { closeSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import { errnoCode, errorMessage, OperationError } from "../lib/errors.ts";
import { TarParser } from "../lib/tar/parser.ts";
import { dieWithParent, fchdir, syncfs } from "./archive/node-calls.ts";
import { type ArchiveJob, type ArchiveReply, FRAME_BYTES_MAX } from "./archive/protocol.ts";
import { TreeWriter } from "./archive/tree-writer.ts";
import { chroot, mount } from "./libc.ts";

/**
 * The program that touches trees with names from archives. It changes its root to a tree before it writes there and back afterwards;
 * nothing from the tree is ever executed or loaded. It ends with its stdin.
 */
const READ_BYTES = 256 * 1024;
const rootFd = openSync("/", "r");
const frame = Buffer.allocUnsafe(FRAME_BYTES_MAX);
const chunk = Buffer.allocUnsafe(READ_BYTES);

type Unpack = Extract<ArchiveJob, { kind: "unpack" }>;

function run(job: ArchiveJob): ArchiveReply {
  switch (job.kind) {
    case "unpack":
      return unpack(job);
    case "sync": {
      const fd = openSync(job.path, "r");
      syncfs(fd);
      closeSync(fd);
      return { kind: "done" };
    }
    case "mount-overlay":
      process.chdir(job.directory);
      mount("overlay", job.target, "overlay", 0, job.options);
      fchdir(rootFd);
      return { kind: "done" };
    case "remove":
      for (const path of job.paths) rmSync(path, { recursive: true, force: true, maxRetries: 0 });
      return { kind: "done" };
  }
}

function unpack({ target, source, isLayer, bytesMax, entriesMax }: Unpack): ArchiveReply {
  const sourceFd = source === undefined ? undefined : openSync(source, "r");
  process.chdir(target);
  chroot(".");
  const writer = new TreeWriter({ isLayer, bytesMax, entriesMax });
  const parser = new TarParser();
  const hash = createHash("sha256");
  try {
    for (const bytes of sourceFd === undefined ? frames() : fileChunks(sourceFd)) {
      hash.update(bytes);
      for (const event of parser.push(bytes)) writer.handle(event);
    }
    parser.finish();
    return { kind: "unpacked", sha256: hash.digest("hex"), ...writer.finish() };
  } finally {
    writer.abandon();
    fchdir(rootFd);
    chroot(".");
    if (sourceFd !== undefined) closeSync(sourceFd);
  }
}

function* frames(): Generator<Uint8Array, void, void> {
  for (let bytes = readFrame(); ; bytes = readFrame()) {
    if (bytes === undefined) throw new OperationError("internal", "the archive's stream broke off");
    if (bytes.length === 0) return;
    yield bytes;
  }
}

function* fileChunks(fd: number): Generator<Uint8Array, void, void> {
  for (let count = readSync(fd, chunk); count > 0; count = readSync(fd, chunk)) yield chunk.subarray(0, count);
}

/** `undefined` at the end of input. The bytes are valid until the next call. */
function readFrame(): Buffer | undefined {
  if (!readFully(4)) return undefined;
  const length = frame.readUInt32LE(0);
  if (length > FRAME_BYTES_MAX) throw new OperationError("internal", "frame is too large");
  return readFully(length) ? frame.subarray(0, length) : undefined;
}

function readFully(length: number): boolean {
  for (let filled = 0; filled < length; ) {
    const count = readSync(0, frame, filled, length - filled, null);
    if (count === 0) return false;
    filled += count;
  }
  return true;
}

/** What a hostile or broken archive causes is `invalid`; what the disk does is not. */
function failure(error: unknown): ArchiveReply {
  const isInput = error instanceof OperationError ? error.kind === "invalid" : INPUT_ERRNOS.has(errnoCode(error) ?? "");
  return { kind: "failed", errorKind: isInput ? "invalid" : "internal", message: errorMessage(error) };
}
const INPUT_ERRNOS = new Set([
  "ENAMETOOLONG",
  "ENOTDIR",
  "EEXIST",
  "ELOOP",
  "EINVAL",
  "EISDIR",
  "ENOENT",
  "ERR_INVALID_ARG_VALUE",
]);

function reply(message: ArchiveReply): void {
  const line = Buffer.from(`${JSON.stringify(message)}\n`);
  for (let written = 0; written < line.length; ) written += writeSync(1, line, written);
}

dieWithParent();
process.umask(0);
process.on("SIGUSR1", () => undefined);
process.on("SIGINT", () => undefined); // A terminal's Ctrl-C is for the daemon, which ends its helpers itself.
for (let job = readFrame(); job !== undefined; job = readFrame()) {
  try {
    reply(run(JSON.parse(job.toString("utf8")) as ArchiveJob));
  } catch (error) {
    reply(failure(error));
    process.exit(1);
  }
}
