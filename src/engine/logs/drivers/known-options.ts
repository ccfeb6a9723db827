import { OperationError } from "../../../lib/errors.ts";

/** Every driver but `local` takes these. */
const DECORATIONS = ["labels", "labels-regex", "env", "env-regex", "tag"];

export interface KnownOptions {
  /** The driver, as Docker names it in the error. */
  readonly of: string;
  readonly own: readonly string[];
  readonly isDecorated?: boolean;
  readonly quote?: string;
}

/** @throws OperationError `invalid` in Docker's words for an option that is none of the driver's. */
export function checkKnownOptions(
  options: Readonly<Record<string, string>>,
  { of, own, isDecorated = true, quote = "'" }: KnownOptions,
): void {
  for (const name of Object.keys(options)) {
    if (own.includes(name) || (isDecorated && DECORATIONS.includes(name))) continue;
    throw new OperationError("invalid", `unknown log opt ${quote}${name}${quote} for ${of}`);
  }
}
