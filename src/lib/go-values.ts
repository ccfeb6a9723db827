import { OperationError } from "./errors.ts";

/** `strconv.Atoi`. @throws OperationError `invalid` in Go's words. */
export function goInteger(text: string): number {
  if (!/^[+-]?\d+$/.test(text)) throw invalid(`strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`);
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw invalid(`strconv.Atoi: parsing ${JSON.stringify(text)}: value out of range`);
  return value;
}

/** `strconv.ParseUint` with 32 bits. @throws OperationError `invalid` in Go's words. */
export function goUnsigned(text: string): number {
  if (!/^\d+$/.test(text)) throw invalid(`strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`);
  const value = Number(text);
  if (value >= 2 ** 32) throw invalid(`strconv.ParseUint: parsing ${JSON.stringify(text)}: value out of range`);
  return value;
}

/** `strconv.ParseBool`. @throws OperationError `invalid` in Go's words. */
export function goBoolean(text: string): boolean {
  if (["1", "t", "T", "true", "TRUE", "True"].includes(text)) return true;
  if (["0", "f", "F", "false", "FALSE", "False"].includes(text)) return false;
  throw invalid(`strconv.ParseBool: parsing ${JSON.stringify(text)}: invalid syntax`);
}

const DURATION_UNITS_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

/** `time.ParseDuration`: `1h15m30.918s`. @returns ms. @throws OperationError `invalid` in Go's words. */
export function goDurationMs(text: string): number {
  const [, sign = "", rest = ""] = /^([+-]?)(.*)$/s.exec(text) ?? [];
  if (rest === "0") return 0;
  let ms = 0;
  let left = rest;
  while (left !== "") {
    const [part = "", number = "", unit = ""] = /^(\d+\.?\d*|\.\d+)([^\d.]*)/.exec(left) ?? [];
    if (part === "") break;
    if (unit === "") throw invalid(`time: missing unit in duration ${JSON.stringify(text)}`);
    const unitMs = DURATION_UNITS_MS[unit];
    if (unitMs === undefined) throw invalid(`time: unknown unit ${JSON.stringify(unit)} in duration ${JSON.stringify(text)}`);
    ms += Number(number) * unitMs;
    left = left.slice(part.length);
  }
  if (rest === "" || left !== "") throw invalid(`time: invalid duration ${JSON.stringify(text)}`);
  return sign === "-" ? -ms : ms;
}

/**
 * A size as Docker's options have it: `10m`, `1.5 GiB`, `500`.
 * @param base - 1000 where Docker counts as disks do, 1024 where it counts as memory does.
 * @throws OperationError `invalid` in Docker's words.
 */
export function parseSizeBytes(text: string, base: 1000 | 1024): number {
  const [, number = "", suffix = ""] = /^(.*[\d.])(?: ?)([^\d. ]*)$/s.exec(text) ?? [];
  if (number === "") throw invalid(`invalid size: '${text}'`);
  const value = Number(number);
  if (Number.isNaN(value)) throw invalid(`strconv.ParseFloat: parsing ${JSON.stringify(number)}: invalid syntax`);
  if (value < 0) throw invalid(`invalid size: '${text}'`);
  const unit = /^(?:b|([kmgtp])(?:b|ib)?)?$/.exec(suffix.toLowerCase());
  if (unit === null) throw invalid(`invalid suffix: '${suffix.length > 3 ? suffix : suffix.toLowerCase()}'`);
  return Math.floor(value * base ** (unit[1] === undefined ? 0 : "kmgtp".indexOf(unit[1]) + 1));
}

function invalid(message: string): OperationError {
  return new OperationError("invalid", message);
}
