/** What the caller can do about it. Code branches on the kind; only people read the message. */
export const ERROR_KINDS = [
  "invalid",
  "unauthorized",
  "forbidden",
  "not-found",
  "conflict",
  "not-modified",
  "unavailable",
  "cancelled",
  "internal",
] as const;
export type ErrorKind = (typeof ERROR_KINDS)[number];

/** An expected failure. The message is shown to users as it is, in Docker's wording where Docker's clients match on it. */
export class OperationError extends Error {
  override readonly name = "OperationError";
  readonly kind: ErrorKind;

  constructor(kind: ErrorKind, message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}

export function errorKind(error: unknown): ErrorKind {
  return error instanceof OperationError ? error.kind : "internal";
}

export function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The `code` of a Node system error (`ENOENT`, …), if `error` is one. */
export function errnoCode(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}
