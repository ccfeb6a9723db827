import type { TarEntry } from "./entry.ts";
import { TarParser } from "./parser.ts";

/** A member as it streams by. Its data must be read, or is passed over, before the next one comes. */
export interface TarMember {
  readonly entry: TarEntry;
  /** Data without holes, in pieces of the source's own chunks. */
  readonly data: () => AsyncGenerator<Uint8Array, void, void>;
}

/**
 * Reads an archive from a stream.
 * @throws OperationError `invalid` for a malformed or truncated archive.
 */
export async function* readTar(source: AsyncIterable<Uint8Array>): AsyncGenerator<TarMember, void, void> {
  const events = eventsOf(source);
  try {
    let next = await events.next();
    while (next.done !== true) {
      const event = next.value;
      if (event.kind === "entry") {
        let isAtEnd = false;
        const data = async function* (): AsyncGenerator<Uint8Array, void, void> {
          while (!isAtEnd) {
            const { value, done } = await events.next();
            if (done === true || value.kind !== "data") isAtEnd = true;
            else yield value.bytes;
          }
        };
        yield { entry: event.entry, data };
        for await (const _ of data());
      }
      next = await events.next();
    }
  } finally {
    await events.return();
  }
}

async function* eventsOf(source: AsyncIterable<Uint8Array>) {
  const parser = new TarParser();
  for await (const chunk of source) yield* parser.push(chunk);
  parser.finish();
}
