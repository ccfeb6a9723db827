import { closeSync, fstatSync, mkdirSync, rmdirSync, unlinkSync, writeFileSync } from "node:fs";
import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { OperationError } from "../lib/errors.ts";
import { failpointNow } from "../ports/failpoint.ts";
import { itself, O_PATH, openFolderRoot } from "./archive/confined-root.ts";
import { mount, MNT_DETACH, MS_BIND, MS_REC, SystemCallError, umount2 } from "./libc.ts";

/** A place that stays what it was when it was found, whoever renames or links there since. */
export interface HeldPath extends Disposable {
  readonly path: string;
}

/**
 * Finds places below folders in which others write, such as volumes of containers that run. A runtime follows paths anew, and a
 * descriptor of this mount namespace says nothing in another: so the place is mounted where nobody else writes until it is let go.
 */
export class HeldPaths {
  readonly #directory: string;
  #count = 0;

  private constructor(directory: string) {
    this.#directory = directory;
  }

  /** Takes away what a daemon left that was killed in between. */
  static async create(directory: string): Promise<HeldPaths> {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    for (const name of await readdir(directory)) letGo(join(directory, name));
    return new HeldPaths(directory);
  }

  /** @throws OperationError `invalid` in Docker's words when it is not there or a link leads out of the folder. */
  hold(folder: string, path: string): HeldPath {
    const fd = openBeneath(folder, path);
    const point = join(this.#directory, String(++this.#count));
    try {
      if (fstatSync(fd).isDirectory()) mkdirSync(point, { mode: 0o700 });
      else writeFileSync(point, "", { mode: 0o600 });
      failpointNow("volumes/part.mount", () => mount(itself(fd), point, null, MS_BIND | MS_REC, null));
    } catch (error) {
      letGo(point);
      throw error;
    } finally {
      closeSync(fd);
    }
    let isHeld = true;
    return {
      path: point,
      [Symbol.dispose]() {
        if (isHeld) letGo(point);
        isHeld = false;
      },
    };
  }
}

function openBeneath(folder: string, path: string): number {
  const root = openFolderRoot(folder);
  try {
    return root.open(path, { flags: O_PATH, isBeneath: true });
  } catch (error) {
    throw inWords(error, { folder, path });
  } finally {
    root.close();
  }
}

/** Never recursive: were it mounted still, what it stands for would be removed. */
function letGo(point: string): void {
  ignoring(["EINVAL", "ENOENT"], () => failpointNow("volumes/part.unmount", () => umount2(point, MNT_DETACH)));
  ignoring(["ENOTDIR", "ENOENT"], () => rmdirSync(point));
  ignoring(["EISDIR", "EPERM", "ENOENT"], () => unlinkSync(point));
}

function ignoring(codes: readonly string[], action: () => void): void {
  try {
    action();
  } catch (error) {
    if (!(error instanceof Error) || !("code" in error) || !codes.includes(String(error.code))) throw error;
  }
}

function inWords(error: unknown, { folder, path }: { readonly folder: string; readonly path: string }): unknown {
  if (!(error instanceof SystemCallError)) return error;
  const whole = join(folder, path);
  switch (error.code) {
    case "EXDEV":
      return new OperationError("invalid", `path concatenation escapes the base directory, base: ${folder}, subpath: ${path}`);
    case "ENOENT":
      return new OperationError("invalid", `cannot access path ${whole}: lstat ${whole}: no such file or directory`);
    default:
      return new OperationError("invalid", `cannot access path ${whole}: ${error.code}`, { cause: error });
  }
}
