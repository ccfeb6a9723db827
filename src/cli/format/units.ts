/** `2 minutes`, `About an hour`: the words of Docker's go-units. */
export function humanDuration(ms: number): string {
  const seconds = Math.trunc(ms / 1_000);
  if (seconds < 1) return "Less than a second";
  if (seconds === 1) return "1 second";
  if (seconds < 60) return `${seconds} seconds`;
  const minutes = Math.trunc(seconds / 60);
  if (minutes === 1) return "About a minute";
  if (minutes < 60) return `${minutes} minutes`;
  const hours = Math.round(seconds / 3_600);
  if (hours === 1) return "About an hour";
  if (hours < 48) return `${hours} hours`;
  if (hours < 24 * 7 * 2) return `${Math.trunc(hours / 24)} days`;
  if (hours < 24 * 30 * 2) return `${Math.trunc(hours / 24 / 7)} weeks`;
  if (hours < 24 * 365 * 2) return `${Math.trunc(hours / 24 / 30)} months`;
  return `${Math.trunc(hours / 24 / 365)} years`;
}

/** `2 minutes ago`; empty for Go's zero time. */
export function ago(time: string | number, nowMs: number): string {
  const atMs = typeof time === "number" ? time * 1_000 : Date.parse(time);
  return Number.isNaN(atMs) || atMs < 0 ? "N/A" : `${humanDuration(nowMs - atMs)} ago`;
}

const DECIMAL = ["B", "kB", "MB", "GB", "TB", "PB", "EB"];
const BINARY = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

/** `1.23MB`: three significant digits, steps of 1,000. */
export function decimalSize(bytes: number): string {
  return sized(bytes, { step: 1_000, names: DECIMAL, digits: 3 });
}

/** `1.234MB`: four significant digits, steps of 1,000. */
export function preciseDecimalSize(bytes: number): string {
  return sized(bytes, { step: 1_000, names: DECIMAL, digits: 4 });
}

/** `1.234MiB`: four significant digits, steps of 1,024. */
export function binarySize(bytes: number): string {
  return sized(bytes, { step: 1_024, names: BINARY, digits: 4 });
}

function sized(bytes: number, { step, names, digits }: { step: number; names: readonly string[]; digits: number }): string {
  let size = bytes;
  let index = 0;
  while (size >= step && index < names.length - 1) {
    size /= step;
    index++;
  }
  return `${Number(size.toPrecision(digits))}${names[index]}`;
}

/** `10s`, `1h30m`, `100ms` to nanoseconds. @returns undefined when it is no duration. @see Go's time.ParseDuration. */
export function parseDuration(text: string): number | undefined {
  const units: Readonly<Record<string, number>> = { ns: 1, us: 1e3, µs: 1e3, ms: 1e6, s: 1e9, m: 60e9, h: 3_600e9 };
  if (text === "0") return 0;
  if (!/^(?:\d+(?:\.\d*)?(?:ns|us|µs|ms|s|m|h))+$/.test(text)) return undefined;
  let total = 0;
  for (const [, number = "", unit = ""] of text.matchAll(/(\d+(?:\.\d*)?)(ns|us|µs|ms|s|m|h)/g))
    total += Number(number) * (units[unit] ?? 0);
  return Math.round(total);
}

/** `64m`, `1g`, `1024` to bytes. @returns undefined when it is no size. @see Docker's go-units RAMInBytes. */
export function parseSize(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*([kmgtp]?)i?b?$/i.exec(text);
  if (match === null) return undefined;
  const power = ["", "k", "m", "g", "t", "p"].indexOf((match[2] ?? "").toLowerCase());
  return Math.round(Number(match[1]) * 1_024 ** power);
}
