import { errorMessage } from "../../lib/errors.ts";
import type { Answer } from "./exchange.ts";

/** A stream of JSON values, one a line, as `pull`, `load` and `events` answer. */
export function ndjson(values: AsyncIterable<unknown>, options: { readonly isEager: boolean }): Answer {
  async function* chunks(): AsyncGenerator<Uint8Array> {
    for await (const value of values) yield Buffer.from(`${JSON.stringify(value)}\r\n`);
  }
  return {
    kind: "stream",
    contentType: "application/json",
    chunks: chunks(),
    isEager: options.isEager,
    onError(error) {
      const message = errorMessage(error);
      return Buffer.from(`${JSON.stringify({ errorDetail: { message }, error: message })}\r\n`);
    },
  };
}
