import { getSystemErrorMap } from "node:util";

/** What the caller can do about it. Code branches on the kind; only people read the message. */
export const ERROR_KINDS = [
  "invalid",
  "unauthorized",
  "forbidden",
  "not-found",
  "conflict",
  "not-modified",
  "unavailable",
  "cancelled",
  "unimplemented",
  "internal",
] as const;
export type ErrorKind = (typeof ERROR_KINDS)[number];

/** An expected failure. The message is shown to users as it is, in Docker's wording where Docker's clients match on it. */
export class OperationError extends Error {
  override readonly name = "OperationError";
  readonly kind: ErrorKind;

  constructor(kind: ErrorKind, message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}

export function errorKind(error: unknown): ErrorKind {
  if (isSuppressed(error)) return errorKind(error.suppressed);
  return error instanceof OperationError ? error.kind : "internal";
}

/** For people. A system call's failure is told as Docker tells it: `open /etc/x: no such file or directory`. */
export function errorMessage(error: unknown): string {
  if (isSuppressed(error)) return `${errorMessage(error.suppressed)}; ${errorMessage(error.error)}`;
  if (!(error instanceof Error)) return String(error);
  const code = errnoCode(error);
  return code === undefined ? error.message : inWords(error.message, code);
}

/** What a `using` throws when there was an error already. Node 20 has no such class of its own. */
function isSuppressed(error: unknown): error is Error & { readonly error: unknown; readonly suppressed: unknown } {
  return error instanceof Error && error.name === "SuppressedError" && "error" in error && "suppressed" in error;
}

/** The `code` of a Node system error (`ENOENT`, …), if `error` is one. */
export function errnoCode(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}

const SHORTAGES: readonly (string | undefined)[] = ["ENOSPC", "EIO", "EMFILE", "ENFILE", "ENOMEM", "EAGAIN"];

/** This host lacks something at the moment: what failed may succeed later, and says nothing about what was asked for. */
export function isShortage(error: unknown): boolean {
  return error instanceof Error && (SHORTAGES.includes(errnoCode(error)) || SHORTAGES.includes(errnoCode(error.cause)));
}

/** Where libuv's words are not the C library's. */
const OTHER_WORDS: Readonly<Record<string, string>> = {
  EBUSY: "device or resource busy",
  EEXIST: "file exists",
  EIO: "input/output error",
  EISDIR: "is a directory",
  ELOOP: "too many levels of symbolic links",
  ENAMETOOLONG: "file name too long",
  EXDEV: "invalid cross-device link",
};
/** Node's `CODE: words, call 'path' -> 'path'`. */
const NODE_MESSAGE = /^(E[A-Z0-9]+): [^,]+, (\w+)(?: '([^']*)'(?: -> '([^']*)')?)?$/;

let wordsByCode: ReadonlyMap<string, string> | undefined;

function inWords(message: string, code: string): string {
  wordsByCode ??= new Map(getSystemErrorMap().values());
  const words = OTHER_WORDS[code] ?? wordsByCode.get(code);
  if (words === undefined) return message;
  const [, named, ...place] = NODE_MESSAGE.exec(message) ?? [];
  if (named === code) return `${place.filter(Boolean).join(" ")}: ${words}`;
  return message.endsWith(`: ${code}`) ? message.slice(0, -code.length) + words : message;
}
