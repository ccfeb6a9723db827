import { status as grpcStatus, type ServiceError, type StatusObject } from "@grpc/grpc-js";
import { ERROR_KINDS, type ErrorKind, errorKind, errorMessage, OperationError } from "../lib/errors.ts";

/** One code a kind, so that a kind survives the way through gRPC. The cause stays behind. */
const CODE: Record<ErrorKind, grpcStatus> = {
  invalid: grpcStatus.INVALID_ARGUMENT,
  unauthorized: grpcStatus.UNAUTHENTICATED,
  forbidden: grpcStatus.PERMISSION_DENIED,
  "not-found": grpcStatus.NOT_FOUND,
  conflict: grpcStatus.ALREADY_EXISTS,
  "not-modified": grpcStatus.FAILED_PRECONDITION,
  unavailable: grpcStatus.UNAVAILABLE,
  cancelled: grpcStatus.CANCELLED,
  unimplemented: grpcStatus.OUT_OF_RANGE, // UNIMPLEMENTED is what gRPC itself answers, see below.
  internal: grpcStatus.INTERNAL,
};
const KIND = new Map<number, ErrorKind>(ERROR_KINDS.map(kind => [CODE[kind], kind]));

/** What a handler's failure looks like on the wire. */
export function toStatus(error: unknown): Pick<StatusObject, "code" | "details"> {
  return { code: CODE[errorKind(error)], details: errorMessage(error) };
}

/** A failed call as this project's error. */
export function fromStatus(error: unknown): OperationError {
  if (error instanceof OperationError) return error;
  if (!isServiceError(error)) return new OperationError("unavailable", errorMessage(error), { cause: error });
  // A node that was removed, or whose certificate is superseded, finds the CA's calls alone.
  if (error.code === grpcStatus.UNIMPLEMENTED) {
    return new OperationError("forbidden", "the manager does not admit this node's certificate", { cause: error });
  }
  // Deadlines and exhausted limits come from gRPC itself: the other side could not answer.
  const kind = KIND.get(error.code) ?? (error.code === grpcStatus.DEADLINE_EXCEEDED ? "unavailable" : "internal");
  return new OperationError(kind, error.details, { cause: error });
}

function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && "code" in error && typeof error.code === "number" && "details" in error;
}
