import { errorKind, errorMessage, OperationError } from "../../lib/errors.ts";

/** In Docker's words. */
export function throwConnectFailure(error: unknown): never {
  throw new OperationError(errorKind(error), `failed to set up container networking: ${errorMessage(error)}`, { cause: error });
}
