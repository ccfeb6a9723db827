import { crc32 } from "node:zlib";

/** Length, checksum of the payload, checksum of these two: so a damaged length is told from a record that was cut. */
export const FRAME_HEADER_BYTES = 12;

export function encodeFrame(payload: Uint8Array): Uint8Array {
  const frame = new Uint8Array(FRAME_HEADER_BYTES + payload.length);
  const view = new DataView(frame.buffer);
  view.setUint32(0, payload.length, true);
  view.setUint32(4, crc32(payload), true);
  view.setUint32(8, crc32(frame.subarray(0, 8)), true);
  frame.set(payload, FRAME_HEADER_BYTES);
  return frame;
}

export interface Frame {
  readonly offset: number;
  readonly payload: Uint8Array;
}

export interface FrameScan {
  readonly frames: readonly Frame[];
  /** Where the whole frames end. */
  readonly end: number;
  /** Nothing is wrong: the file ends there, or holds zeros alone from there on, which were to be written over. */
  readonly isBlankBeyond: boolean;
  /** A whole frame lies beyond `end`: that is damage, not the tail of a write that a crash cut. */
  readonly hasMoreBeyond: boolean;
}

function frameAt(bytes: Uint8Array, offset: number): Frame | undefined {
  if (offset + FRAME_HEADER_BYTES > bytes.length) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, FRAME_HEADER_BYTES);
  if (crc32(bytes.subarray(offset, offset + 8)) !== view.getUint32(8, true)) return undefined;
  const begin = offset + FRAME_HEADER_BYTES;
  const end = begin + view.getUint32(0, true);
  if (end > bytes.length) return undefined;
  const payload = bytes.subarray(begin, end);
  return crc32(payload) === view.getUint32(4, true) ? { offset, payload } : undefined;
}

/** Each write is one frame and is synced before the next begins, so a crash can harm the last frame of a file only. */
export function scanFrames(bytes: Uint8Array, from: number): FrameScan {
  const frames: Frame[] = [];
  let end = from;
  for (let frame = frameAt(bytes, end); frame !== undefined; frame = frameAt(bytes, end)) {
    frames.push(frame);
    end += FRAME_HEADER_BYTES + frame.payload.length;
  }
  const isBlankBeyond = isBlank(bytes.subarray(end));
  return { frames, end, isBlankBeyond, hasMoreBeyond: !isBlankBeyond && hasFrameAfter(bytes, end) };
}

function isBlank(bytes: Uint8Array): boolean {
  return bytes.every(byte => byte === 0);
}

function hasFrameAfter(bytes: Uint8Array, offset: number): boolean {
  for (let at = offset + 1; at + FRAME_HEADER_BYTES <= bytes.length; at++) {
    if (frameAt(bytes, at) !== undefined) return true;
  }
  return false;
}
