import { OperationError } from "../lib/errors.ts";

/** `SWMTKN-1-<SHA-256 of the root certificate, base 36, 50 characters>-<secret, base 36, 25 characters>`. */
export interface JoinToken {
  readonly rootDigest: string;
  readonly secret: string;
}

const PREFIX = "SWMTKN-1";
const DIGEST_CHARACTERS = 50;
const SECRET_CHARACTERS = 25;
const FORM = new RegExp(`^${PREFIX}-([0-9a-z]{${DIGEST_CHARACTERS}})-([0-9a-z]{${SECRET_CHARACTERS}})$`);

/** @param bytes - A SHA-256. */
export function rootDigestText(bytes: Uint8Array): string {
  return toBase36(bytes).padStart(DIGEST_CHARACTERS, "0");
}

/** The SHA-256 in hexadecimal, as it is shown to people. */
export function rootDigestHex({ rootDigest }: Pick<JoinToken, "rootDigest">): string {
  const value = [...rootDigest].reduce((sum, digit) => sum * 36n + BigInt(Number.parseInt(digit, 36)), 0n);
  return value.toString(16).padStart(64, "0");
}

/** @param rootDigest - SHA-256 of the root certificate. @param secret - 16 random bytes. */
export function formatJoinToken({
  rootDigest,
  secret,
}: {
  readonly rootDigest: Uint8Array;
  readonly secret: Uint8Array;
}): string {
  return `${PREFIX}-${rootDigestText(rootDigest)}-${toBase36(secret).padStart(SECRET_CHARACTERS, "0")}`;
}

/** @throws OperationError `invalid` when it is not a join token. */
export function parseJoinToken(text: string): JoinToken {
  const [, rootDigest, secret] = FORM.exec(text) ?? [];
  if (rootDigest === undefined || secret === undefined) throw new OperationError("invalid", "invalid join token");
  return { rootDigest, secret };
}

function toBase36(bytes: Uint8Array): string {
  return BigInt(`0x${Buffer.from(bytes).toString("hex")}`).toString(36);
}
