import { errorMessage, OperationError } from "./errors.ts";

/** Takes something back; it may take its time. */
export type UndoStep = () => unknown;

/** Takes every step, in order, whatever became of those before it. @returns what they have thrown. */
export async function failuresOf(steps: Iterable<UndoStep>): Promise<readonly unknown[]> {
  const failures: unknown[] = [];
  for (const step of steps) {
    try {
      await step();
    } catch (error) {
      failures.push(error);
    }
  }
  return failures;
}

/** Takes every step, in order. @throws all that failed, as one error. */
export async function undoAll(steps: Iterable<UndoStep>): Promise<void> {
  const failures = await failuresOf(steps);
  if (failures.length > 0) throw joined(failures);
}

/** Does something and then, whatever became of it, takes every step. @throws all that failed, as one error. */
export async function thenUndo<T>(action: () => Promise<T>, steps: Iterable<UndoStep>): Promise<T> {
  let result: T;
  try {
    result = await action();
  } catch (error) {
    return undoAfter(error, steps);
  }
  await undoAll(steps);
  return result;
}

/** Something has failed: takes every step back. @throws that, and with it what failed of the steps. */
export async function undoAfter(error: unknown, steps: Iterable<UndoStep>): Promise<never> {
  throw joined([error, ...(await failuresOf(steps))]);
}

/** One is thrown as it is. Of more the first is what it is about: it is of that one's kind and class, and tells of all. */
export function joined(failures: readonly unknown[]): unknown {
  const [first] = failures;
  if (failures.length === 1) return first;
  const message = failures.map(errorMessage).join("; ");
  const cause = new AggregateError(failures, message);
  if (!(first instanceof Error)) return new OperationError("internal", message, { cause });
  return Object.create(first, { message: { value: message }, cause: { value: cause } }) as Error;
}
