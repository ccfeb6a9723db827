import { OperationError } from "../../lib/errors.ts";
import type { ApiRequest } from "../http/exchange.ts";
import { textOf } from "../http/query.ts";

/** The version that an update relies on. @throws OperationError `invalid`. */
export function objectVersionOf(request: ApiRequest, what: string): number {
  const value = textOf(request, "version");
  if (/^\d+$/.test(value)) return Number(value);
  if (what === "secret" || what === "config") throw new OperationError("invalid", `invalid ${what} version`);
  throw new OperationError(
    "invalid",
    `invalid ${what} version '${value}': strconv.ParseUint: parsing ${JSON.stringify(value)}: invalid syntax`,
  );
}

/** The one object of an answer to a get. @throws OperationError `not-found`. */
export function only<T>(objects: readonly T[], { what, idOrName }: { readonly what: string; readonly idOrName: string }): T {
  const [first] = objects;
  if (first === undefined) throw new OperationError("not-found", `${what} ${idOrName} not found`);
  return first;
}
