import { OperationError } from "../errors.ts";

/** Reads a number field: octal text, or base-256 when the first bit is set. */
export function parseNumber(field: Uint8Array, name: string): number {
  const first = field[0] ?? 0;
  return (first & 0x80) === 0 ? parseOctal(field, name) : parseBase256(field, name);
}

function parseOctal(field: Uint8Array, name: string): number {
  const text = Buffer.from(field).toString("latin1").split("\0")[0]?.trim() ?? "";
  if (text === "") return 0;
  if (!/^[0-7]+$/.test(text)) throw new OperationError("invalid", `invalid tar header: ${name} is not a number`);
  return parseInt(text, 8);
}

function parseBase256(field: Uint8Array, name: string): number {
  const isNegative = (field[0] ?? 0) === 0xff;
  let value = 0n;
  for (const [index, byte] of field.entries()) value = (value << 8n) | BigInt(index === 0 && !isNegative ? byte & 0x7f : byte);
  if (isNegative) value -= 1n << BigInt(8 * field.length);
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw new OperationError("invalid", `invalid tar header: ${name} is too large`);
  return number;
}

/** A number field of `width` bytes: octal with a closing NUL where it fits, else base-256. */
export function formatNumber(value: number, width: number): Buffer {
  const digits = Math.trunc(value).toString(8);
  if (value >= 0 && digits.length < width) return Buffer.from(`${digits.padStart(width - 1, "0")}\0`, "latin1");
  const field = Buffer.alloc(width);
  let rest = BigInt.asUintN(8 * width, BigInt(Math.trunc(value)));
  for (let index = width - 1; index >= 0; index--) {
    field[index] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  field[0] = (field[0] ?? 0) | 0x80;
  return field;
}
