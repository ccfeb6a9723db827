import { randomBytes } from "node:crypto";
import type { Random } from "../ports/random.ts";

export const systemRandom: Random = {
  uint32: () => randomBytes(4).readUInt32LE(),
  bytes: count => new Uint8Array(randomBytes(count)),
};
