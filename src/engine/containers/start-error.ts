import { OperationError, errorKind, errorMessage } from "../../lib/errors.ts";
import { ExecStartError } from "../runtime/start-error.ts";

/** A start that failed: what the user is told, and the exit code that is recorded. */
export interface StartFailure {
  readonly exitCode: number;
  readonly error: OperationError;
}

const NOT_FOUND = 127;
const NOT_EXECUTABLE = 126;
const UNKNOWN = 128;
const NOT_FOUND_WORDS = ["executable file not found", "no such file or directory"];
/** What is wrong with the request for a device is no word of the runtime's. */
const NOT_OF_RUNTIME = /^(?:error gathering device information|stat \/)/;
const NOT_EXECUTABLE_WORDS = ["permission denied", "is a directory"];

/** @see moby daemon/errors.go: which words of the runtime make which exit code, and which are the user's fault. */
export function startFailure(error: unknown): StartFailure {
  if (error instanceof ExecStartError) return { exitCode: error.exitCode, error };
  const message = errorMessage(error);
  const text = message.toLowerCase();
  const isOfRuntime = !NOT_OF_RUNTIME.test(text);
  const has = (words: readonly string[]) => isOfRuntime && words.some(word => text.includes(word));
  if (has(NOT_FOUND_WORDS)) return { exitCode: NOT_FOUND, error: new OperationError("invalid", message, { cause: error }) };
  if (has(NOT_EXECUTABLE_WORDS))
    return { exitCode: NOT_EXECUTABLE, error: new OperationError("invalid", message, { cause: error }) };
  return { exitCode: UNKNOWN, error: new OperationError(errorKind(error), message, { cause: error }) };
}
