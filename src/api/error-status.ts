import type { ErrorKind } from "../lib/errors.ts";
import { OperationError } from "../lib/errors.ts";

const HTTP_STATUS: Readonly<Record<ErrorKind, number>> = {
  invalid: 400,
  unauthorized: 401,
  forbidden: 403,
  "not-found": 404,
  conflict: 409,
  "not-modified": 304,
  cancelled: 499,
  internal: 500,
  unimplemented: 501,
  unavailable: 503,
};

const KIND_OF_STATUS: ReadonlyMap<number, ErrorKind> = new Map(
  Object.entries(HTTP_STATUS).map(([kind, status]) => [status, kind as ErrorKind]),
);

export function httpStatus(error: unknown): number {
  return error instanceof OperationError ? HTTP_STATUS[error.kind] : 500;
}

/** The way back, for the client: what a status says about what the caller can do. */
export function kindOfStatus(status: number): ErrorKind {
  const kind = KIND_OF_STATUS.get(status);
  if (kind !== undefined) return kind;
  return status >= 400 && status < 500 ? "invalid" : "internal";
}
