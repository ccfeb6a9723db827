import { OperationError } from "../../../lib/errors.ts";

/** A URL as Go's parser takes it, in the parts that log drivers look at. */
export interface LogAddress {
  readonly scheme: string;
  /** As written: `host:port`, `[::1]:514`, `host` or "". */
  readonly host: string;
  readonly path: string;
}

/** @throws OperationError `invalid` in Go's words. */
export function parseLogAddress(text: string): LogAddress {
  const match = /^([A-Za-z][A-Za-z0-9+.-]*):(?:\/\/([^/?#]*))?([^?#]*)/.exec(text);
  if (match === null) {
    if (text.includes("://")) throw new OperationError("invalid", `parse ${JSON.stringify(text)}: missing protocol scheme`);
    // Go takes `host:port` for a path when nothing says otherwise, and refuses a colon in its first part.
    if (/^[^/]*:/.test(text)) {
      throw new OperationError("invalid", `parse ${JSON.stringify(text)}: first path segment in URL cannot contain colon`);
    }
    return { scheme: "", host: "", path: text };
  }
  const [, scheme = "", host = "", path = ""] = match;
  const port = /:([^:\]]*)$/.exec(host)?.[1];
  if (port !== undefined && !/^\d*$/.test(port)) {
    throw new OperationError("invalid", `parse ${JSON.stringify(text)}: invalid port ${JSON.stringify(`:${port}`)} after host`);
  }
  return { scheme: scheme.toLowerCase(), host, path };
}

/** `host:port`, also with an IPv6 address in brackets; `undefined` when there is no port. */
export function splitHostPort(host: string): { readonly host: string; readonly port: number } | undefined {
  const match = /^(?:\[([^\]]*)\]|([^:]*)):(\d*)$/.exec(host);
  if (match === null) return undefined;
  return { host: match[1] ?? match[2] ?? "", port: Number(match[3]) };
}

/** Without the brackets of an IPv6 address. */
export function bareHost(host: string): string {
  return host.replace(/^\[(.*)\]$/, "$1");
}
