import { chmod, chown, lstat, mkdir, open, readdir, rm, writeFile } from "node:fs/promises";
import { isAbsolute, join } from "node:path";
import { errnoCode, OperationError } from "../lib/errors.ts";
import { wipeableCopy } from "../lib/wipeable-copy.ts";
import type { FileReference, Mount } from "../model/cluster.ts";
import { type IdMap, ownerOnHost } from "../model/id-map.ts";
import type { TaskId } from "../model/ids.ts";
import type { AssignedTask } from "../model/session.ts";
import type { TaskFiles } from "./executor.ts";

const SECRETS_TARGET = "/run/secrets";
const TASK_ID_FORM = /^[0-9a-z]+$/;

/** Writes what tasks' secrets and configs hold to files that their containers mount. */
export class TaskFileStore {
  readonly #directory: string;
  /** Whose ids containers' are on the host; missing: their own. */
  readonly #idMap: IdMap | undefined;

  /** @param directory - On a tmpfs, for this alone: secrets must never reach a disk. */
  constructor(directory: string, idMap?: IdMap) {
    this.#directory = directory;
    this.#idMap = idMap;
  }

  /** Twice is safe. @returns the mounts that show the files where the service wants them. */
  async write({ task, revision }: AssignedTask, files: TaskFiles): Promise<readonly Mount[]> {
    const { secrets = [], configs = [] } = revision.task.container;
    if (secrets.length + configs.length === 0) return [];
    const directory = this.#directoryOf(task.id);
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const mounts: Mount[] = [];
    for (const reference of secrets)
      mounts.push(await this.#writeOne(directory, { reference, data: files.secrets.get(reference.id), base: SECRETS_TARGET }));
    for (const reference of configs)
      mounts.push(await this.#writeOne(directory, { reference, data: files.configs.get(reference.id), base: "/" }));
    return mounts;
  }

  /**
   * New data in files that a container has mounted: the files stay the same ones, so the container sees it.
   * @param files - Of these, what differs is written.
   * @returns what was written now, or before a crash that kept `settle` from being called.
   */
  async renew(taskId: TaskId, files: ReadonlyMap<string, Uint8Array>): Promise<readonly string[]> {
    const directory = this.#directoryOf(taskId);
    const renewed: string[] = [];
    for (const [id, data] of files) {
      const path = join(directory, id);
      if (!(await exists(markOf(path))) && (await holds(path, data))) continue;
      await writeFile(markOf(path), "");
      await overwrite(path, data);
      renewed.push(id);
    }
    return renewed;
  }

  /** The container was told of what was renewed. */
  async settle(taskId: TaskId, ids: readonly string[]): Promise<void> {
    for (const id of ids) await rm(markOf(join(this.#directoryOf(taskId), id)), { force: true });
  }

  async remove(taskId: TaskId): Promise<void> {
    await rm(this.#directoryOf(taskId), { recursive: true, force: true });
  }

  /** Tasks that have files here. */
  async list(): Promise<readonly string[]> {
    return await readdir(this.#directory).catch(() => []);
  }

  #directoryOf(taskId: TaskId): string {
    if (!TASK_ID_FORM.test(taskId)) throw new OperationError("invalid", `invalid task id: ${taskId}`);
    return join(this.#directory, taskId);
  }

  async #writeOne<Id extends string>(
    directory: string,
    {
      reference,
      data,
      base,
    }: { readonly reference: FileReference<Id>; readonly data: Uint8Array | undefined; readonly base: string },
  ): Promise<Mount> {
    if (data === undefined) throw new OperationError("not-found", `${reference.name} was not given to this node`);
    const { id, file } = reference;
    const source = join(directory, id);
    await writeFile(source, data, { mode: 0o600 });
    const { uid, gid } = ownerOnHost(this.#idMap, { uid: Number(file.uid) || 0, gid: Number(file.gid) || 0 });
    await chown(source, uid, gid);
    await chmod(source, file.mode & 0o7777);
    const target = isAbsolute(file.name) ? file.name : join(base, file.name);
    // Nothing can be mounted below a file; and crun 1.8 cannot make a file read-only "recursively".
    return { type: "bind", source, target, readOnly: true, bind: { readOnlyNonRecursive: true } };
  }
}

/** Beside a file: it has other data than its container was told of. */
function markOf(path: string): string {
  return `${path}.renewed`;
}

async function exists(path: string): Promise<boolean> {
  return (await lstat(path).catch(unlessMissing)) !== undefined;
}

function unlessMissing(error: unknown): undefined {
  if (errnoCode(error) !== "ENOENT") throw error;
}

async function holds(path: string, data: Uint8Array): Promise<boolean> {
  await using file = await open(path, "r");
  if ((await file.stat()).size !== data.length) return false;
  const found = wipeableCopy(new Uint8Array(data.length));
  await file.read(found, 0, found.length, 0);
  const isSame = Buffer.compare(found, data) === 0;
  found.fill(0);
  return isSame;
}

/** Never empty on the way: who reads it meanwhile finds old data, new data or some of both. */
async function overwrite(path: string, data: Uint8Array): Promise<void> {
  await using file = await open(path, "r+");
  for (let at = 0; at < data.length; ) at += (await file.write(data, at, data.length - at, at)).bytesWritten;
  await file.truncate(data.length);
}
