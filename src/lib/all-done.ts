/**
 * Waits for all, so that nothing still comes into being when it is undone.
 * @throws what the first in line that failed has thrown.
 */
export async function allDone<T extends readonly Promise<unknown>[]>(
  promises: readonly [...T],
): Promise<{ readonly [K in keyof T]: Awaited<T[K]> }> {
  await Promise.allSettled(promises);
  return Promise.all(promises);
}
