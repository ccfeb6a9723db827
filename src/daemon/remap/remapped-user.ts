import { OperationError } from "../../lib/errors.ts";

/** The name that stands for a user of the daemon's own. */
const DEFAULT = "default";
export const DEFAULT_USER = "dockremap";

/** Contents of /etc/passwd and /etc/group. */
export interface Accounts {
  readonly passwd: string;
  readonly group: string;
}

export interface RemappedUser {
  readonly name: string;
  /** Missing: it is still to be made. */
  readonly uid?: number;
  /** The daemon makes it and gives it ids. */
  readonly isDefault?: true;
}

/**
 * Whose subordinate ids `--userns-remap` means: `default`, or `USER[:GROUP]` by names or numbers. A group has to be there, as dockerd wants it, and
 * decides nothing: both files are asked about the user.
 *
 * @throws OperationError `invalid`, in dockerd's words.
 * @see moby daemon/daemon_unix.go: parseRemappedRoot.
 */
export function remappedUser(spec: string, accounts: Accounts): RemappedUser {
  const [user = "", group, ...others] = spec.split(":");
  if (others.length > 0) throw invalid(`Invalid user/group specification in --userns-remap: ${JSON.stringify(spec)}`);
  const found = isNumber(user) ? byUid(Number(user), accounts) : byName(user, accounts);
  if (found.uid !== undefined) checkGroup({ user, group, found }, accounts);
  return found;
}

interface Account {
  readonly name: string;
  readonly id: number;
}

function byUid(uid: number, { passwd }: Accounts): RemappedUser {
  const account = accountsIn(passwd).find(({ id }) => id === uid);
  if (account === undefined) throw invalid(`Uid ${uid} has no entry in /etc/passwd: ${NO_USER}`);
  return { name: account.name, uid };
}

function byName(user: string, { passwd }: Accounts): RemappedUser {
  const name = user === DEFAULT ? DEFAULT_USER : user;
  const account = accountsIn(passwd).find(other => other.name === name);
  const own = user === DEFAULT ? ({ isDefault: true } as const) : {};
  if (account !== undefined) return { name, uid: account.id, ...own };
  if (user === DEFAULT) return { name, ...own };
  throw invalid(`Error during uid lookup for ${JSON.stringify(name)}: ${NO_USER}`);
}

function checkGroup(
  { user, group, found }: { readonly user: string; readonly group: string | undefined; readonly found: RemappedUser },
  accounts: Accounts,
): void {
  const groups = accountsIn(accounts.group);
  if (group === undefined) {
    if (isNumber(user)) checkGid(Number(user), { groups, file: "/etc/group" });
    else if (!groups.some(({ name }) => name === found.name)) {
      throw invalid(`Error during gid lookup for ${JSON.stringify(found.name)}: ${NO_GROUP}`);
    }
  } else if (isNumber(group)) checkGid(Number(group), { groups, file: "/etc/passwd" });
  else if (!groups.some(({ name }) => name === group)) {
    throw invalid(`Error during groupname lookup for ${JSON.stringify(group)}: ${NO_GROUP}`);
  }
}

/** @param options.file - That dockerd names, which is not always the one that it looks into. */
function checkGid(gid: number, { groups, file }: { readonly groups: readonly Account[]; readonly file: string }): void {
  if (!groups.some(({ id }) => id === gid)) throw invalid(`Gid ${gid} has no entry in ${file}: ${NO_GROUP}`);
}

const NO_USER = "no matching entries in passwd file";
const NO_GROUP = "no matching entries in group file";

function isNumber(text: string): boolean {
  return /^[+-]?\d{1,10}$/.test(text) && Math.abs(Number(text)) < 2 ** 31;
}

function accountsIn(text: string): readonly Account[] {
  return text
    .split("\n")
    .map(line => line.trim().split(":"))
    .flatMap(([name = "", , id = ""]) => (/^\d+$/.test(id) ? [{ name, id: Number(id) }] : []));
}

function invalid(message: string): OperationError {
  return new OperationError("invalid", message);
}
