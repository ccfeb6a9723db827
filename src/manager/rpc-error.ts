import { type ErrorKind, OperationError } from "../lib/errors.ts";

/** The codes that Docker's managers answer with, and what a caller can do about them. */
const KIND = {
  InvalidArgument: "invalid",
  NotFound: "not-found",
  AlreadyExists: "conflict",
  FailedPrecondition: "invalid",
  PermissionDenied: "forbidden",
  Unimplemented: "unimplemented",
  Unavailable: "unavailable",
  Unknown: "internal",
  Internal: "internal",
} as const satisfies Record<string, ErrorKind>;

export const RPC_ERROR_PREFIX = "rpc error: code = ";

/** A failure as dockerd shows one of its managers': clients match on these words. */
export function rpcError(code: keyof typeof KIND, description: string, options?: ErrorOptions): OperationError {
  return new OperationError(KIND[code], `${RPC_ERROR_PREFIX}${code} desc = ${description}`, options);
}
