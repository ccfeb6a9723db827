/** What was found when a log's size was looked at. */
export interface LogLook {
  readonly bytes: number;
  readonly atMs: number;
  /** When to look again. */
  readonly dueAtMs: number;
}

const LOOK_MS_MIN = 100;

/** How soon to look again: in half the time in which it would be full if it grew on as it did, between 0.1 s and `msMax`. */
export function nextLookMs({ bytes, bytesMax, atMs, last, msMax }: NextLook): number {
  const passedMs = last === undefined ? Infinity : atMs - last.atMs;
  // Full: a new file has been begun, and all of the old one was printed since it was empty at the latest.
  const isFull = bytes >= bytesMax;
  const grownBytes = last === undefined || last.bytes > bytes || isFull ? bytes : bytes - last.bytes;
  const missingBytes = isFull ? bytesMax : bytesMax - bytes;
  const fullInMs = grownBytes === 0 ? Infinity : (missingBytes * passedMs) / grownBytes;
  return Math.min(msMax, Math.max(LOOK_MS_MIN, fullInMs / 2));
}

export interface NextLook {
  readonly bytes: number;
  readonly bytesMax: number;
  readonly atMs: number;
  readonly last: LogLook | undefined;
  readonly msMax: number;
}
