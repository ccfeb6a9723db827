import { OperationError } from "../../../lib/errors.ts";

/** Who a process runs as, resolved by the container's own files. */
export interface ResolvedUser {
  readonly uid: number;
  readonly gid: number;
  readonly additionalGids: readonly number[];
  readonly home: string;
}

export interface UserRequest {
  /** `USER[:GROUP]`, names or numbers; "" is root. */
  readonly user: string;
  /** `--group-add`. */
  readonly groupAdd: readonly string[];
  /** Contents of the container's /etc/passwd and /etc/group; "" when missing. */
  readonly passwd: string;
  readonly group: string;
}

interface PasswdEntry {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

interface GroupEntry {
  readonly name: string;
  readonly gid: number;
  readonly members: readonly string[];
}

const ID_MAX = 2 ** 31 - 1;
const NUMERIC = /^\d+$/;

/**
 * A number is always an id, also where a user of that name exists. With a group given, the user's other groups are not taken.
 *
 * @throws OperationError `invalid` with Docker's wording when a name is not in the files.
 */
export function resolveUser({ user, groupAdd, passwd, group }: UserRequest): ResolvedUser {
  const [userPart = "", groupPart = ""] = splitOnce(user, ":");
  const users = parsePasswd(passwd);
  const groups = parseGroup(group);
  const entry = findUser(users, userPart === "" ? "0" : userPart);
  const gid = groupPart === "" ? entry.gid : findGroup(groups, groupPart);
  const own = groupPart === "" ? groups.filter(({ members }) => members.includes(entry.name)).map(({ gid: id }) => id) : [];
  const added = groupAdd.map(name => findGroup(groups, name));
  return {
    uid: entry.uid,
    gid,
    // With the main one: else a file that denies its group access would be open to a process that has changed its group.
    additionalGids: [...new Set([gid, ...own, ...added])],
    home: entry.home,
  };
}

function findUser(users: readonly PasswdEntry[], wanted: string): PasswdEntry {
  if (!NUMERIC.test(wanted)) {
    const named = users.find(({ name }) => name === wanted);
    if (named === undefined)
      throw new OperationError("invalid", `unable to find user ${wanted}: no matching entries in passwd file`);
    return named;
  }
  const uid = parseId(wanted, "uids");
  return users.find(({ uid: id }) => id === uid) ?? { name: "", uid, gid: 0, home: "/" };
}

function findGroup(groups: readonly GroupEntry[], wanted: string): number {
  if (NUMERIC.test(wanted)) return parseId(wanted, "gids");
  const named = groups.find(({ name }) => name === wanted);
  if (named === undefined)
    throw new OperationError("invalid", `unable to find group ${wanted}: no matching entries in group file`);
  return named.gid;
}

function parseId(text: string, kind: "uids" | "gids"): number {
  const id = Number(text);
  if (id > ID_MAX) throw new OperationError("invalid", `${kind} and gids must be in range 0-${ID_MAX}`);
  return id;
}

function parsePasswd(content: string): readonly PasswdEntry[] {
  return rows(content).flatMap(([name = "", , uid = "", gid = "", , home = ""]) =>
    NUMERIC.test(uid) && NUMERIC.test(gid) ? [{ name, uid: Number(uid), gid: Number(gid), home: home === "" ? "/" : home }] : [],
  );
}

function parseGroup(content: string): readonly GroupEntry[] {
  return rows(content).flatMap(([name = "", , gid = "", members = ""]) =>
    NUMERIC.test(gid) ? [{ name, gid: Number(gid), members: members.split(",").filter(member => member !== "") }] : [],
  );
}

function rows(content: string): readonly (readonly string[])[] {
  return content
    .split("\n")
    .map(line => line.trim())
    .filter(line => line !== "" && !line.startsWith("#"))
    .map(line => line.split(":"));
}

function splitOnce(text: string, separator: string): readonly string[] {
  const at = text.indexOf(separator);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}
