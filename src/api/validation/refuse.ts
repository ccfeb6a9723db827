import { OperationError } from "../../lib/errors.ts";

export function invalid(message: string): OperationError {
  return new OperationError("invalid", message);
}

/** @throws OperationError `invalid` when `condition` holds. */
export function refuseIf(condition: boolean, message: string): void {
  if (condition) throw invalid(message);
}
