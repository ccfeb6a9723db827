/**
 * Gives out a stream that something must be held for: the holder goes on when the stream has been read or left, or `signal` is aborted.
 * @param hold - Calls `lend` once and returns when that does.
 */
export function heldStream<T>(
  signal: AbortSignal,
  hold: (lend: (made: { readonly result: T; readonly stream: AsyncIterable<Uint8Array> }) => Promise<void>) => Promise<void>,
): Promise<{ readonly result: T; readonly stream: AsyncIterable<Uint8Array> }> {
  return new Promise((resolve, reject) => {
    const lend = ({ result, stream }: { readonly result: T; readonly stream: AsyncIterable<Uint8Array> }): Promise<void> =>
      new Promise(done => {
        resolve({ result, stream: thenDo(stream, done) });
        if (signal.aborted) done();
        else signal.addEventListener("abort", () => done(), { once: true });
      });
    hold(lend).catch(reject);
  });
}

async function* thenDo(source: AsyncIterable<Uint8Array>, action: () => void): AsyncGenerator<Uint8Array, void, void> {
  try {
    yield* source;
  } finally {
    action();
  }
}
