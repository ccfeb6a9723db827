import { createReadStream, createWriteStream } from "node:fs";
import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { createGunzip, createGzip } from "node:zlib";
import { failpoint } from "../../ports/failpoint.ts";

export const COMPRESSED_SUFFIX = ".gz";
/** What a daemon that ended in the middle of its work may leave. */
export const UNFINISHED_SUFFIX = ".new";

/** Puts `PATH.gz` in the place of `path`. The work is done in the thread pool. Leaves nothing of it when it fails. */
export async function compressFile(path: string): Promise<void> {
  const beside = `${path}${COMPRESSED_SUFFIX}${UNFINISHED_SUFFIX}`;
  try {
    await pipeline(createReadStream(path), createGzip(), createWriteStream(beside, { mode: 0o640 }));
    await failpoint("logs/compressed.rename", () => rename(beside, `${path}${COMPRESSED_SUFFIX}`));
  } catch (error) {
    await rm(beside, { force: true });
    throw error;
  }
  await rm(path, { force: true });
}

/** The content of a compressed file, to be read from any place: a file without a name that is gone with its handle. @throws ENOENT */
export async function openCompressed(path: string): Promise<FileHandle> {
  const source = await open(path, "r");
  const beside = `${path}.${process.hrtime.bigint()}${UNFINISHED_SUFFIX}`;
  const content = await open(beside, "wx+", 0o600);
  try {
    await rm(beside);
    await pipeline(source.createReadStream(), createGunzip(), async pieces => {
      for await (const piece of pieces as AsyncIterable<Buffer>) await content.writeFile(piece);
    });
    return content;
  } catch (error) {
    await content.close();
    throw error;
  }
}
