import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { errorMessage, OperationError } from "../../lib/errors.ts";
import type { IdMap, IdRange } from "../../model/id-map.ts";
import type { Exec } from "../../ports/exec.ts";
import type { Log } from "../../ports/log.ts";
import { settleDefaultUser } from "./add-default-user.ts";
import { type Accounts, type RemappedUser, remappedUser } from "./remapped-user.ts";
import { idRangesOf, parseSubordinateIds } from "./subordinate-ids.ts";

export interface RemapOptions {
  readonly exec: Exec;
  readonly log: Log;
  /** Where the accounts are: /etc. */
  readonly directory?: string;
}

/**
 * Which ids of the host containers' users have under `--userns-remap`. For `default` the user is made where it is missing.
 *
 * @returns undefined where nothing is mapped: for root, who stands for himself.
 * @throws OperationError `invalid`, in dockerd's words.
 */
export async function idMapOf(spec: string, { exec, log, directory = "/etc" }: RemapOptions): Promise<IdMap | undefined> {
  if (spec === "") return undefined;
  const user = remappedUser(spec, await accountsIn(directory));
  if (user.name === "root") {
    log.warn({}, "User namespaces: root cannot be remapped with itself; user namespaces are OFF");
    return undefined;
  }
  if (user.isDefault === true) await settleDefaultUser({ exec, directory, isThere: user.uid !== undefined });
  const known = user.uid === undefined ? remappedUser(user.name, await accountsIn(directory)) : user;
  log.info({ user: known.name }, "user namespaces: containers' ids are the user's subordinate ids");
  try {
    return { uids: await rangesIn(join(directory, "subuid"), known), gids: await rangesIn(join(directory, "subgid"), known) };
  } catch (error) {
    throw new OperationError("invalid", `Can't create ID mappings: ${errorMessage(error)}`, { cause: error });
  }
}

/** dockerd speaks of subuid for both files. */
async function rangesIn(path: string, { name, uid = -1 }: RemappedUser): Promise<readonly IdRange[]> {
  const ranges = idRangesOf(parseSubordinateIds(await readFile(path, "utf8")), { name, uid });
  if (ranges.length === 0) throw new OperationError("invalid", `no subuid ranges found for user ${JSON.stringify(name)}`);
  return ranges;
}

async function accountsIn(directory: string): Promise<Accounts> {
  const [passwd, group] = await Promise.all(["passwd", "group"].map(name => readFile(join(directory, name), "utf8")));
  return { passwd: passwd ?? "", group: group ?? "" };
}
