import { randomBytes } from "node:crypto";
import type { Random } from "../ports/random.ts";

/** Asking the system costs some microseconds, whatever the count: small requests are cut from one answer. */
const POOL_BYTES = 4_096;
const SMALL_BYTES = 64;

let pool = new Uint8Array(0);

function fromPool(count: number): Uint8Array {
  if (pool.length < count) pool = new Uint8Array(randomBytes(POOL_BYTES));
  const bytes = pool.slice(0, count);
  pool.fill(0, 0, count); // What was given out is nowhere else.
  pool = pool.subarray(count);
  return bytes;
}

export const systemRandom: Random = {
  uint32: () => new DataView(fromPool(4).buffer).getUint32(0, true),
  bytes: count => (count <= SMALL_BYTES ? fromPool(count) : new Uint8Array(randomBytes(count))),
};
