import { createHash } from "node:crypto";
import { closeSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import { errnoCode, errorMessage, OperationError } from "../lib/errors.ts";
import { type IdMap, ROOT } from "../model/id-map.ts";
import { TarParser } from "../lib/tar/parser.ts";
import { readPath, readTree, statPath } from "./archive/container-path.ts";
import { openRoot } from "./archive/container-root.ts";
import { type ConfinedRoot, followedPath } from "./archive/confined-root.ts";
import { copySources, makeFolders } from "./archive/copy-sources.ts";
import { fillFolder } from "./archive/fill-folder.ts";
import { findSources, resolvePath } from "./archive/find-sources.ts";
import { listChanges, readChanges } from "./archive/layer-changes.ts";
import { useIdMap } from "./archive/mapped-ids.ts";
import { MemberSums } from "./archive/member-sums.ts";
import { dieWithParent, fchdir, makeBlocking, syncfs } from "./archive/node-calls.ts";
import {
  type ArchiveJob,
  type ArchiveReply,
  CHANGE_KINDS,
  DATA_FRAME,
  FRAME_BYTES_MAX,
  type LayerFolders,
  OUTPUT_HEADER_BYTES,
  REPLY_FRAME,
  type RootSource,
} from "./archive/protocol.ts";
import { writePath } from "./archive/write-path.ts";
import { TreeWriter } from "./archive/tree-writer.ts";
import { chroot, mount, SystemCallError } from "./libc.ts";

/**
 * The program that touches trees with names from archives and trees that containers write to. For a layer it changes its root to the tree
 * before it writes there and back afterwards; in a container's tree the kernel resolves every name inside the container's root.
 * Nothing from a tree is ever executed or loaded. It ends with its stdin.
 */
const READ_BYTES = 256 * 1024;
const rootFd = openSync("/", "r");
const frame = Buffer.allocUnsafe(FRAME_BYTES_MAX);
const chunk = Buffer.allocUnsafe(READ_BYTES);
const gathered = Buffer.allocUnsafe(READ_BYTES);
let gatheredBytes = 0;
/** The present job's stream has not been read to its end. */
let isInputOpen = false;
const CHANGES_AT_ONCE = 1000;

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
    case "stat-path":
      return inRoot(job.root, root => ({ kind: "stat", stat: statPath(root, job.path) }));
    case "read-path":
      return inRoot(job.root, root => {
        reply({ kind: "stat", stat: statPath(root, job.path) });
        readPath(root, job.path, sendData);
        return finished();
      });
    case "write-path":
      return inRoot(job.root, root => {
        writePath(root, { path: job.path, settings: job, source: frames() });
        return { kind: "done" };
      });
    case "read-tree":
      return inRoot(job.root, root => {
        readTree(root, sendData);
        return finished();
      });
    case "find-sources":
      return inRoot(job.root, root => ({ kind: "sources", sources: findSources(root, job) }));
    case "resolve-path":
      return inRoot(job.root, root => resolvePath(root, Buffer.from(job.path).toString("latin1")));
    case "copy-sources":
      return inRoot(job.from, from =>
        inRoot(job.root, to => {
          copySources(from, to, job);
          return { kind: "done" };
        }),
      );
    case "fill-folder":
      return inRoot(job.from, from =>
        inRoot(job.root, to => {
          fillFolder(from, to, job.path);
          return { kind: "done" };
        }),
      );
    case "make-folder":
      return inRoot(job.root, root => {
        makeFolders(root, followedPath(root, Buffer.from(job.path)), ROOT);
        return { kind: "done" };
      });
    case "list-changes":
      return sendChanges(job.layers);
    case "read-changes":
      readChanges(job.layers, sendData);
      return finished();
  }
}

function inRoot(source: RootSource, action: (root: ConfinedRoot) => ArchiveReply): ArchiveReply {
  const root = openRoot(source);
  try {
    return action(root);
  } finally {
    root.close();
  }
}

function sendChanges(layers: LayerFolders): ArchiveReply {
  const changes = listChanges(layers);
  for (let start = 0; start < changes.length; start += CHANGES_AT_ONCE) {
    const some = changes.slice(start, start + CHANGES_AT_ONCE);
    const lines = some.map(({ path, kind }) => `${JSON.stringify([path.toString("utf8"), CHANGE_KINDS.indexOf(kind)])}\n`);
    sendFrame(DATA_FRAME, Buffer.from(lines.join("")));
  }
  return { kind: "done" };
}

/** Small pieces go together. */
function sendData(bytes: Uint8Array): void {
  if (gatheredBytes + bytes.length > gathered.length) flushData();
  if (bytes.length > gathered.length) return sendFrame(DATA_FRAME, bytes);
  gathered.set(bytes, gatheredBytes);
  gatheredBytes += bytes.length;
}

function flushData(): void {
  if (gatheredBytes > 0) sendFrame(DATA_FRAME, gathered.subarray(0, gatheredBytes));
  gatheredBytes = 0;
}

function finished(): ArchiveReply {
  flushData();
  return { kind: "done" };
}

function sendFrame(kind: number, payload: Uint8Array): void {
  const header = Buffer.alloc(OUTPUT_HEADER_BYTES);
  header[0] = kind;
  header.writeUInt32LE(payload.length, 1);
  for (const bytes of [header, payload]) {
    for (let written = 0; written < bytes.length; ) written += writeSync(1, bytes, written);
  }
}

function unpack({ target, source, isLayer, bytesMax, entriesMax, sumsPath }: Unpack): ArchiveReply {
  const sourceFd = source === undefined ? undefined : openSync(source, "r");
  const sums = sumsPath === undefined ? undefined : new MemberSums(sumsPath);
  process.chdir(target);
  chroot(".");
  const writer = new TreeWriter({ isLayer, bytesMax, entriesMax });
  const parser = new TarParser();
  const hash = createHash("sha256");
  try {
    for (const bytes of sourceFd === undefined ? frames() : fileChunks(sourceFd)) {
      hash.update(bytes);
      for (const event of parser.push(bytes)) {
        writer.handle(event);
        sums?.handle(event);
      }
    }
    parser.finish();
    sums?.finish();
    return { kind: "unpacked", sha256: hash.digest("hex"), ...writer.finish() };
  } finally {
    writer.abandon();
    sums?.close();
    fchdir(rootFd);
    chroot(".");
    if (sourceFd !== undefined) closeSync(sourceFd);
  }
}

function* frames(): Generator<Uint8Array, void, void> {
  for (let bytes = readFrame(); ; bytes = readFrame()) {
    if (bytes === undefined) throw new OperationError("internal", "the archive's stream broke off");
    if (bytes.length === 0) {
      isInputOpen = false;
      return;
    }
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
function failure(error: unknown): Omit<Failed, "goesOn"> {
  const message = errorMessage(error);
  if (error instanceof OperationError && error.kind === "not-found") return { kind: "failed", errorKind: "not-found", message };
  const isInput = error instanceof OperationError ? error.kind === "invalid" : INPUT_ERRNOS.has(codeOf(error));
  return { kind: "failed", errorKind: isInput ? "invalid" : "internal", message };
}

type Failed = Extract<ArchiveReply, { kind: "failed" }>;

function codeOf(error: unknown): string {
  return error instanceof SystemCallError ? error.code : (errnoCode(error) ?? "");
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
  sendFrame(REPLY_FRAME, Buffer.from(JSON.stringify(message)));
}

const [, , idMapJson] = process.argv;
useIdMap(idMapJson === undefined ? undefined : (JSON.parse(idMapJson) as IdMap));
dieWithParent();
for (const fd of [0, 1]) makeBlocking(fd);
process.umask(0);
process.on("SIGUSR1", () => undefined);
process.on("SIGINT", () => undefined); // A terminal's Ctrl-C is for the daemon, which ends its helpers itself.
for (let frameBytes = readFrame(); frameBytes !== undefined; frameBytes = readFrame()) {
  const job = JSON.parse(frameBytes.toString("utf8")) as ArchiveJob;
  isInputOpen = job.kind === "write-path";
  try {
    reply(run(job));
  } catch (error) {
    // What works through open folders alone leaves nothing to put right.
    const goesOn = "root" in job || "layers" in job;
    gatheredBytes = 0;
    reply({ ...failure(error), goesOn });
    if (!goesOn) process.exit(1);
    if (isInputOpen) for (const _ of frames());
  }
}
