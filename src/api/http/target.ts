import { posix } from "node:path";
import { OperationError } from "../../lib/errors.ts";
import type { Answer } from "./exchange.ts";

/** What a request asks for: its path, decoded, and its query. */
export interface Target {
  readonly path: string;
  readonly query: URLSearchParams;
}

/** Takes a request target apart, also one in the form that proxies get. @throws OperationError `invalid`. */
export function parseTarget(target: string): Target {
  const [beforeQuery = "", ...query] = target.replace(/^https?:\/\/[^/?#]*/i, "").split("?");
  return { path: decodePath(beforeQuery), query: new URLSearchParams(query.join("?")) };
}

function decodePath(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch (error) {
    throw new OperationError("invalid", `invalid URL escape in ${JSON.stringify(path)}`, { cause: error });
  }
}

/** Without empty segments and dots. A path that has some is never looked up, so nobody is asked for one and given another. */
export function cleanPath(path: string): string {
  return posix.normalize(path.startsWith("/") ? path : `/${path}`);
}

/** Sends the client to the clean path, as Docker does. */
export function movedTo(path: string, query: URLSearchParams): Extract<Answer, { kind: "empty" }> {
  const location = encodeURI(path) + (query.size === 0 ? "" : `?${query.toString()}`);
  return { kind: "empty", status: 301, headers: { Location: location } };
}
