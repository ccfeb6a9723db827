import { OperationError } from "../lib/errors.ts";

/** What locked managers ask for, and since when: the version that the cluster had when it was set. */
export interface UnlockKey {
  readonly version: number;
  /** 32 bytes; missing while managers are not locked. */
  readonly key?: Uint8Array | undefined;
}

export const UNLOCK_KEY_BYTES = 32;
const PREFIX = "SWMKEY-1-";
const BASE64 = /^[A-Za-z0-9+/]*$/;

/** As users see and keep it; the same text as Docker's. */
export function formatUnlockKey(key: Uint8Array): string {
  return `${PREFIX}${Buffer.from(key).toString("base64").replace(/=+$/, "")}`;
}

/** @throws OperationError `invalid` in Docker's words. Whether it is the right key is not known by its looks. */
export function parseUnlockKey(text: string): Uint8Array {
  const encoded = text.slice(PREFIX.length);
  const key = Buffer.from(encoded, "base64");
  const isWhole = BASE64.test(encoded) && key.toString("base64").replace(/=+$/, "") === encoded;
  if (!text.startsWith(PREFIX) || !isWhole) throw new OperationError("invalid", "invalid key string");
  return new Uint8Array(key);
}
