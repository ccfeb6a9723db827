import { OperationError } from "../../lib/errors.ts";

/** The newest version that is spoken, and the oldest. @see the specification's `info.version`. */
export const API_VERSION = "1.56";
export const API_VERSION_MIN = "1.40";

export interface VersionedPath {
  readonly version: string;
  readonly path: string;
}

/** @throws OperationError `invalid` for a version outside the range, in the words that clients know. */
export function splitVersion(path: string): VersionedPath {
  const found = /^\/v([0-9.]+)(\/.*)$/.exec(path);
  if (found === null) return { version: API_VERSION, path };
  const [, version = "", rest = ""] = found;
  if (isOlder(version, API_VERSION_MIN)) {
    throw new OperationError(
      "invalid",
      `client version ${version} is too old. Minimum supported API version is ${API_VERSION_MIN}, please upgrade your client to a newer version`,
    );
  }
  if (isOlder(API_VERSION, version)) {
    throw new OperationError("invalid", `client version ${version} is too new. Maximum supported API version is ${API_VERSION}`);
  }
  return { version, path: rest };
}

/** A path of a version in which errors were plain text. */
export function isFromBeforeJsonErrors(path: string): boolean {
  const [, version] = /^\/v([0-9.]+)\//.exec(path) ?? [];
  return version !== undefined && isOlder(version, "1.24");
}

export function isOlder(version: string, than: string): boolean {
  const left = version.split(".").map(Number);
  const right = than.split(".").map(Number);
  for (let index = 0; index < Math.max(left.length, right.length); index++) {
    const difference = (left[index] ?? 0) - (right[index] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return false;
}
