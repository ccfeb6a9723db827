import { OperationError } from "../errors.ts";

/**
 * The absolute form of a member's name, with `.` and doubled slashes taken out. `a/../b` is `/b`.
 * @throws OperationError `invalid` for a name that climbs above the archive's root.
 */
export function resolveMemberPath(path: Buffer): Buffer {
  const kept: string[] = [];
  for (const part of path.toString("latin1").split("/")) {
    if (part === "" || part === ".") continue;
    if (part !== "..") kept.push(part);
    else if (kept.pop() === undefined) {
      throw new OperationError("invalid", `invalid archive: ${JSON.stringify(path.toString("utf8"))} leads outside of it`);
    }
  }
  return Buffer.from(`/${kept.join("/")}`, "latin1");
}
