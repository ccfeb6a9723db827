import { createWriteStream } from "node:fs";
import { chmod, link, mkdir, rm, symlink, utimes } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { TarEntry } from "../../../lib/tar/entry.ts";
import { readTar, type TarMember } from "../../../lib/tar/reader.ts";
import { CliError } from "../../context.ts";
import { statsIfThere } from "../../stats-if-there.ts";
import type { CopyTarget, Place } from "./place-copy.ts";

/** A place on this system, links followed. @throws CliError in Docker's words where not even its folder is there. */
export async function lookAt(destination: string): Promise<CopyTarget> {
  const whole = resolve(destination);
  const found = await statsIfThere(whole, { followsLink: true });
  if (found === undefined && (await statsIfThere(dirname(whole), { followsLink: true })) === undefined)
    throw new CliError(`invalid output path: directory "${dirname(whole)}" does not exist`);
  const path = destination.endsWith("/") && found === undefined ? `${whole}/` : whole;
  return { path, isThere: found !== undefined, isDirectory: found?.isDirectory() === true };
}

/**
 * Unpacks an archive that a container may have made: nothing is written outside of the folder, and no link is followed on the way.
 * @returns how long the archive was. @throws CliError for what would get outside, and what this cannot make.
 */
export async function unpackTo(archive: AsyncIterable<Uint8Array>, { folder, rename }: Place): Promise<number> {
  let bytes = 0;
  const counted = async function* (): AsyncGenerator<Uint8Array, void, void> {
    for await (const chunk of archive) {
      bytes += chunk.length;
      yield chunk;
    }
  };
  const unpacker = new Unpacker(folder, rename);
  for await (const member of readTar(counted())) await unpacker.add(member);
  await unpacker.finish();
  return bytes;
}

class Unpacker {
  readonly #folder: string;
  readonly #rename: (name: string) => string;
  /** Their times are set last: what comes into a folder changes them. */
  readonly #folders: { readonly path: string; readonly entry: TarEntry }[] = [];

  constructor(folder: string, rename: (name: string) => string) {
    this.#folder = folder;
    this.#rename = rename;
  }

  async add({ entry, data }: TarMember): Promise<void> {
    const path = await this.#pathOf(entry.path.toString("utf8"));
    const there = await statsIfThere(path, { followsLink: false });
    if (entry.type === "directory") {
      if (there !== undefined && !there.isDirectory())
        throw new CliError(`cannot overwrite non-directory "${path}" with directory "${this.#folder}"`);
      if (there === undefined) await mkdir(path);
      this.#folders.push({ path, entry });
      return;
    }
    if (there?.isDirectory() === true)
      throw new CliError(`cannot overwrite directory "${path}" with non-directory "${this.#folder}"`);
    if (there !== undefined) await rm(path);
    await this.#make(path, { entry, data });
  }

  async #make(path: string, { entry, data }: TarMember): Promise<void> {
    switch (entry.type) {
      case "file":
        await pipeline(Readable.from(data()), createWriteStream(path, { flags: "wx", mode: 0o600 }));
        await settle(path, entry);
        return;
      case "symlink":
        await symlink(entry.linkPath, path);
        return;
      case "hard-link":
        await link(await this.#pathOf(entry.linkPath.toString("utf8")), path);
        return;
      default:
        throw new CliError(`${path}: a ${entry.type} can only be copied as an archive: use - in place of the local path`);
    }
  }

  async finish(): Promise<void> {
    for (const { path, entry } of this.#folders.toReversed()) await settle(path, entry);
  }

  /** @throws CliError for one that leaves the folder, by its name or through a link. */
  async #pathOf(name: string): Promise<string> {
    const parts = this.#rename(name.replace(/\/+$/, ""))
      .split("/")
      .filter(part => part !== "" && part !== ".");
    if (parts.includes("..")) throw new CliError(`${JSON.stringify(name)} leads out of the destination`);
    let path = this.#folder;
    for (const part of parts.slice(0, -1)) {
      path = join(path, part);
      const found = await statsIfThere(path, { followsLink: false });
      if (found === undefined) await mkdir(path);
      else if (!found.isDirectory()) throw new CliError(`${JSON.stringify(name)} leads through ${path}, which is no folder`);
    }
    return join(path, parts.at(-1) ?? "");
  }
}

async function settle(path: string, { mode, mtimeSeconds }: TarEntry): Promise<void> {
  await chmod(path, mode);
  await utimes(path, mtimeSeconds, mtimeSeconds);
}
