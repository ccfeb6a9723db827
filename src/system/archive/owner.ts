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

function isNumber(text: string): boolean {
  return /^\d{1,10}$/.test(text);
}

function notFound(what: string, name: string): OperationError {
  return new OperationError(
    "invalid",
    `unable to find ${what} ${name}: no matching entries in ${what === "user" ? "passwd" : "group"} file`,
  );
}
