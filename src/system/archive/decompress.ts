import { spawn } from "node:child_process";
import { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { errorMessage, OperationError } from "../../lib/errors.ts";
import { failpointNow } from "../../ports/failpoint.ts";

const CHUNK_BYTES = 256 * 1024;
const STDERR_BYTES_MAX = 4096;
const MAGIC_BYTES = 6;

/** Formats and the host's own program for those that Node cannot read. Never a program from an image. */
const FORMATS = [
  { name: "gzip", magic: [0x1f, 0x8b, 0x08], command: undefined },
  { name: "zstd", magic: [0x28, 0xb5, 0x2f, 0xfd], command: ["zstd", "-dcq", "--long=31"] },
  { name: "xz", magic: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00], command: ["xz", "-dcq", "--memlimit=512MiB"] },
  { name: "bzip2", magic: [0x42, 0x5a, 0x68], command: ["bzip2", "-dcq"] },
] as const;

/** The stream itself, or what it decompresses to. @throws OperationError `invalid` for a damaged or truncated stream. */
export async function* decompress(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
  const iterator = source[Symbol.asyncIterator]();
  const head: Uint8Array[] = [];
  let headBytes = 0;
  while (headBytes < MAGIC_BYTES) {
    const next = await iterator.next();
    if (next.done === true) break;
    head.push(Uint8Array.from(next.value));
    headBytes += next.value.length;
  }
  const start = Buffer.concat(head);
  const whole = async function* (): AsyncGenerator<Uint8Array, void, void> {
    try {
      if (start.length > 0) yield start;
      for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) yield next.value;
    } finally {
      await iterator.return?.();
    }
  };
  const format = FORMATS.find(({ magic }) => magic.every((byte, index) => start[index] === byte));
  if (format === undefined) yield* whole();
  else if (format.command === undefined) yield* gunzip(whole());
  else yield* throughProgram(whole(), { name: format.name, command: format.command });
}

async function* gunzip(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
  const input = Readable.from(source, { objectMode: false });
  const gunzipped = createGunzip({ chunkSize: CHUNK_BYTES });
  let inputError: unknown;
  input.on("error", error => {
    inputError = error;
    gunzipped.destroy(error);
  });
  try {
    for await (const chunk of input.pipe(gunzipped)) yield chunk as Uint8Array;
  } catch (error) {
    throw inputError ?? new OperationError("invalid", `gzip: ${errorMessage(error)}`, { cause: error });
  } finally {
    input.destroy();
    gunzipped.destroy();
  }
}

async function* throughProgram(
  source: AsyncIterable<Uint8Array>,
  { name, command: [file, ...args] }: { readonly name: string; readonly command: readonly [string, ...string[]] },
): AsyncGenerator<Uint8Array, void, void> {
  const child = failpointNow("archive/decompress.spawn", () => spawn(file, args, { stdio: ["pipe", "pipe", "pipe"], cwd: "/" }));
  let stderr = "";
  let inputError: unknown;
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr = (stderr + text).slice(-STDERR_BYTES_MAX);
  });
  const exit = new Promise<number>((resolve, reject) => {
    child.once("error", cause => reject(new OperationError("internal", `cannot run ${file}: ${cause.message}`, { cause })));
    child.once("close", code => resolve(code ?? 1));
  });
  exit.catch(() => undefined);
  child.stdin.on("error", () => undefined); // It ended early: its exit code tells why.
  const input = Readable.from(source, { objectMode: false, highWaterMark: CHUNK_BYTES });
  input.on("error", error => {
    inputError = error;
    child.kill("SIGKILL");
  });
  input.pipe(child.stdin);
  try {
    for await (const chunk of child.stdout) yield chunk as Uint8Array;
    const code = await exit;
    if (inputError !== undefined) throw inputError;
    if (code !== 0) throw new OperationError("invalid", `${name}: ${stderr.trim() || "damaged stream"}`);
  } finally {
    input.destroy();
    child.kill("SIGKILL");
  }
}
