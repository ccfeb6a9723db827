import { OperationError } from "../../lib/errors.ts";
import type { Readable } from "../wire/codec.ts";
import { JsonTypeError } from "../wire/codec.ts";
import type { ApiRequest, RequestBody } from "./exchange.ts";
import { parseJson } from "./go-json.ts";

/** Secrets and configs are the largest JSON that is sent: 1 MiB in base64, and room for the rest. */
export const JSON_BYTES_MAX = 8 * 1024 * 1024;

/**
 * Reads a JSON body by its description.
 *
 * @returns the zero value for an empty body, as Docker does.
 * @throws OperationError `invalid`, in Docker's words.
 */
export async function readBody<T extends object>(request: ApiRequest, shape: Pick<Readable<T>, "read">): Promise<T> {
  return decode(
    () => shape.read(undefined),
    request,
    value => shape.read(value),
  );
}

/** Only what the body has: for updates, where a missing key leaves things as they are. */
export async function readPartialBody<T extends object>(request: ApiRequest, shape: Readable<T>): Promise<Partial<T>> {
  return decode<Partial<T>>(
    () => ({}),
    request,
    value => shape.readPresent(value),
  );
}

async function decode<T>(zero: () => T, request: ApiRequest, read: (value: unknown) => T): Promise<T> {
  checkContentType(request);
  if (request.body.length === 0) return zero();
  const value = parseJson(await readText(request.body, JSON_BYTES_MAX));
  try {
    return read(value);
  } catch (error) {
    if (!(error instanceof JsonTypeError)) throw error;
    throw new OperationError("invalid", `invalid JSON: ${error.message}`, { cause: error });
  }
}

function checkContentType(request: ApiRequest): void {
  const header = request.headers["content-type"] ?? "";
  if (header === "" && request.body.length === 0) return;
  if (header === "") throw new OperationError("invalid", "malformed Content-Type header (): mime: no media type");
  if (!isJsonType(header)) {
    throw new OperationError("invalid", `unsupported Content-Type header (${header}): must be 'application/json'`);
  }
}

/** The one judge of it: a body that is read as JSON is one that plugins were shown. */
export function isJsonType(header: string | undefined): boolean {
  const [type = ""] = (header ?? "").split(";");
  return type.trim().toLowerCase() === "application/json";
}

export async function readText(body: RequestBody, bytesMax: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body.stream) {
    size += chunk.byteLength;
    if (size > bytesMax) throw new OperationError("invalid", `request body is larger than ${bytesMax} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
