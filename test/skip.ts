/** Skips the test or, from a `before`, all of its suite, and says why. */
export function skip(context: Mocha.Context, reason: string): void {
  const { test } = context;
  Object.assign(test?.parent ?? {}, { skipReason: reason });
  Object.assign(test ?? {}, { skipReason: reason });
  context.skip();
}
