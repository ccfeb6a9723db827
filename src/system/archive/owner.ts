import { OperationError } from "../../lib/errors.ts";

/**
 * Who `USER[:GROUP]` is in a container: numbers stand for themselves, names are in its accounts.
 * @throws OperationError `invalid` for a name that is not there.
 */
export function ownerIn(spec: string, read: (path: string) => string): { readonly uid: number; readonly gid: number } {
  const [user = "", group = ""] = spec.split(":", 2);
  const account = read("/etc/passwd")
    .split("\n")
    .map(line => line.split(":"))
    .find(([name, , uid]) => name === user || (uid === user && user !== ""));
  if (account === undefined && !isNumber(user)) throw notFound("user", user);
  const uid = Number(account?.[2] ?? user);
  if (group === "") return { uid, gid: Number(account?.[3] ?? 0) };
  const found = read("/etc/group")
    .split("\n")
    .map(line => line.split(":"))
    .find(([name, , gid]) => name === group || gid === group);
  if (found === undefined && !isNumber(group)) throw notFound("group", group);
  return { uid, gid: Number(found?.[2] ?? group) };
}

/**
 * Who `--chown=USER[:GROUP]` means. Without a group, the user's word stands for one too.
 * @throws OperationError `invalid`, in Docker's words.
 */
export function chownerIn(spec: string, read: (path: string) => string): { readonly uid: number; readonly gid: number } {
  const [user = "", group = user, ...others] = spec.split(":");
  if (others.length > 0) throw new OperationError("invalid", `invalid chown string format: ${spec}`);
  return {
    uid: idIn(read("/etc/passwd"), user, ["uid", "user"]),
    gid: idIn(read("/etc/group"), group, ["gid", "group"]),
  };
}

/** The third field of the line with that name; a number stands for itself. */
function idIn(accounts: string, name: string, [id, what]: readonly [id: string, what: string]): number {
  if (isNumber(name)) return Number(name);
  const fields = accounts.split("\n").map(line => line.split(":"));
  const found = fields.find(([account]) => account === name)?.[2];
  if (found === undefined) {
    throw new OperationError("invalid", `can't find ${id} for ${what} ${name}: no such ${what}: ${name}`);
  }
  return Number(found);
}

function isNumber(text: string): boolean {
  return /^\d{1,10}$/.test(text);
}

function notFound(what: string, name: string): OperationError {
  return new OperationError(
    "invalid",
    `unable to find ${what} ${name}: no matching entries in ${what === "user" ? "passwd" : "group"} file`,
  );
}
