const PATTERN = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/;

/** @returns ns since 1970; `undefined` when it is no time. */
export function parseLogTime(text: string): bigint | undefined {
  const match = PATTERN.exec(text);
  if (match === null) return undefined;
  const [, seconds = "", fraction = "", zone = ""] = match;
  const ms = Date.parse(seconds + zone);
  return BigInt(ms) * 1_000_000n + BigInt(fraction.padEnd(9, "0"));
}

/** As Docker prints it before a line: RFC 3339 with nine digits, UTC. */
export function formatLogTime(text: string): string {
  if (text.endsWith("+00:00")) return `${text.slice(0, -6)}Z`;
  const timeNs = parseLogTime(text);
  return timeNs === undefined ? text : formatTimeNs(timeNs);
}

export function formatTimeNs(timeNs: bigint): string {
  const iso = new Date(Number(timeNs / 1_000_000n)).toISOString();
  return `${iso.slice(0, 19)}.${(timeNs % 1_000_000_000n).toString().padStart(9, "0")}Z`;
}
