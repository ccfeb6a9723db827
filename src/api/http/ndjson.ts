import { errorMessage } from "../../lib/errors.ts";
import type { Answer } from "./exchange.ts";

/** A stream of JSON values, one a line, as `pull`, `load` and `events` answer. */
export function ndjson(
  values: AsyncIterable<unknown>,
  options: { readonly isEager: boolean; readonly failsInBody?: boolean },
): Answer {
  async function* chunks(): AsyncGenerator<Uint8Array> {
    for await (const value of values) yield line(value);
  }
  return {
    kind: "stream",
    contentType: "application/json",
    chunks: chunks(),
    isEager: options.isEager,
    failsInBody: options.failsInBody ?? false,
    onError(error) {
      const message = errorMessage(error);
      return line({ errorDetail: { message }, error: message });
    },
  };
}

/** As Go writes JSON, which may stand in a page: for those who look at the text. */
function line(value: unknown): Buffer {
  const text = JSON.stringify(value).replace(
    /[<>&\u2028\u2029]/g,
    sign => `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return Buffer.from(`${text}\r\n`);
}
