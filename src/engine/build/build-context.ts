import { mkdir, open, rm } from "node:fs/promises";
import { join } from "node:path";
import { OperationError } from "../../lib/errors.ts";
import type { RootSource } from "../archive/effects.ts";
import { type ParsedDockerfile, parseDockerfileNamed } from "./dockerfile/parse-dockerfile.ts";
import type { BuildArchives } from "./effects.ts";
import { IgnorePatterns, ignoreLines } from "../../lib/ignore-patterns.ts";

const GIB = 1024 ** 3;
const CONTEXT_BYTES_MAX = 1024 * GIB;
const CONTEXT_ENTRIES_MAX = 2_000_000;
const SMALL_FILE_BYTES_MAX = 8 * 1024 * 1024;
const DEFAULT_DOCKERFILE = "Dockerfile";

/** What the client sent, unpacked. Nobody else writes there, so a path that was resolved stays what it is. */
export class BuildContext {
  readonly root: RootSource;
  /** Of every file, as it came. */
  readonly sumsPath: string;
  readonly #path: string;
  readonly #archives: BuildArchives;

  private constructor(folder: string, archives: BuildArchives) {
    this.#path = join(folder, "context");
    this.sumsPath = join(folder, "sums");
    this.root = { kind: "folder", path: this.#path, mounts: [] };
    this.#archives = archives;
  }

  /** @throws OperationError `invalid` for what is no archive, or one that climbs out. */
  static async receive(
    archive: AsyncIterable<Uint8Array>,
    { folder, archives }: { readonly folder: string; readonly archives: BuildArchives },
  ): Promise<BuildContext> {
    const context = new BuildContext(folder, archives);
    await mkdir(context.#path, { mode: 0o700 });
    await archives.unpack(archives.decompress(archive), {
      target: context.#path,
      isLayer: false,
      bytesMax: CONTEXT_BYTES_MAX,
      entriesMax: CONTEXT_ENTRIES_MAX,
      sumsPath: context.sumsPath,
    });
    return context;
  }

  /** Reads the Dockerfile, and takes it out of the context where `.dockerignore` says so. @throws OperationError in Docker's words. */
  async takeDockerfile(name: string): Promise<ParsedDockerfile> {
    const asked = name === "" ? DEFAULT_DOCKERFILE : name;
    const found = await this.#findDockerfile(asked);
    if (found === undefined) throw new OperationError("internal", `Cannot locate specified Dockerfile: ${asked}`);
    const parsed = parseDockerfileNamed(found.name, await this.#read(found.path));
    await this.#removeIgnored([".dockerignore", found.name]);
    return parsed;
  }

  /** A file by its resolved path, for what must be read in full as a stream. */
  filePath(resolved: string): Buffer {
    return Buffer.concat([Buffer.from(`${this.#path}/`), Buffer.from(resolved, "latin1")]);
  }

  async #findDockerfile(asked: string): Promise<{ readonly name: string; readonly path: Buffer } | undefined> {
    for (const name of asked === DEFAULT_DOCKERFILE ? [asked, asked.toLowerCase()] : [asked]) {
      const { path, type } = await this.#archives.resolvePath(this.root, name);
      if (type !== "missing") return { name, path: this.filePath(path) };
    }
    return undefined;
  }

  async #removeIgnored(names: readonly string[]): Promise<void> {
    const ignore = await this.#archives.resolvePath(this.root, ".dockerignore");
    if (ignore.type === "missing") return;
    const patterns = new IgnorePatterns(ignoreLines(await this.#read(this.filePath(ignore.path))));
    for (const name of names) {
      if (!patterns.ignores(name)) continue;
      const { path, type } = await this.#archives.resolvePath(this.root, name);
      if (type !== "missing" && path !== "") await rm(this.filePath(path), { recursive: true, force: true });
    }
  }

  async #read(path: Buffer): Promise<string> {
    await using file = await open(path, "r");
    const { size } = await file.stat();
    if (size > SMALL_FILE_BYTES_MAX)
      throw new OperationError("invalid", `a Dockerfile is not larger than ${SMALL_FILE_BYTES_MAX} bytes`);
    return await file.readFile("utf8");
  }
}
