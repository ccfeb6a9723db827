import { OperationError } from "../errors.ts";

/** A keyword with its raw value. Keywords may repeat (GNU.sparse.offset does), so order is kept. */
export type PaxRecord = readonly [keyword: string, value: Buffer];

const LENGTH_DIGITS_MAX = 10;

/** Reads `LENGTH KEYWORD=VALUE\n` records. Lengths count bytes, so a value may hold anything, newlines too. */
export function parsePaxRecords(bytes: Buffer): readonly PaxRecord[] {
  const records: PaxRecord[] = [];
  let start = 0;
  while (start < bytes.length && bytes[start] !== 0) {
    const space = bytes.indexOf(0x20, start);
    const digits = space < 0 ? "" : bytes.toString("latin1", start, Math.min(space, start + LENGTH_DIGITS_MAX + 1));
    const end = start + Number(digits);
    const equals = bytes.indexOf(0x3d, space);
    const isWhole =
      /^[1-9][0-9]{0,9}$/.test(digits) && end <= bytes.length && equals > space + 1 && equals < end && bytes[end - 1] === 0x0a;
    if (!isWhole) throw new OperationError("invalid", "invalid tar header: malformed PAX record");
    records.push([bytes.toString("utf8", space + 1, equals), Buffer.from(bytes.subarray(equals + 1, end - 1))]);
    start = end;
  }
  return records;
}

export function formatPaxRecord(keyword: string, value: Uint8Array): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${keyword}=`, "utf8"), value, Buffer.from("\n", "latin1")]);
  let length = rest.length + 1;
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
  return Buffer.concat([Buffer.from(String(length), "latin1"), rest]);
}
