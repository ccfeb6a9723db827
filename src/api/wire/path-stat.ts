import type { PathStat } from "../backends.ts";

const NS_PER_SECOND = 1_000_000_000n;

/** What goes base64-coded into `X-Docker-Container-Path-Stat`. */
export function pathStatHeader({ name, sizeBytes, mode, mtimeNs, linkTarget }: PathStat): string {
  const value = { name, size: sizeBytes, mode, mtime: timeText(BigInt(mtimeNs)), linkTarget };
  return Buffer.from(JSON.stringify(value)).toString("base64");
}

/** RFC 3339 as Go prints it: up to nine digits, no trailing zeros. */
function timeText(ns: bigint): string {
  const over = ((ns % NS_PER_SECOND) + NS_PER_SECOND) % NS_PER_SECOND;
  const whole = new Date(Number((ns - over) / 1_000_000n)).toISOString().slice(0, 19);
  const fraction = String(over).padStart(9, "0").replace(/0+$/, "");
  return `${whole}${fraction === "" ? "" : `.${fraction}`}Z`;
}
