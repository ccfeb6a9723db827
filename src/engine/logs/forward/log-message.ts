import type { OutputStream } from "../cri-line.ts";

/** One line as drivers send it, or a part of one that is longer than they take. */
export interface LogMessage {
  readonly stream: OutputStream;
  /** Of its first piece: ns since 1970. */
  readonly timeNs: bigint;
  /** Without the newline. */
  readonly line: Uint8Array;
  readonly partial?: PartialMessage;
}

/** Which part of a longer line it is. */
export interface PartialMessage {
  /** The same for all parts of the line. */
  readonly id: string;
  /** From 1. */
  readonly ordinal: number;
  readonly isLast: boolean;
}

const NS_PER_MS = 1_000_000n;

export function timeMsOf({ timeNs }: Pick<LogMessage, "timeNs">): number {
  return Number(timeNs / NS_PER_MS);
}
