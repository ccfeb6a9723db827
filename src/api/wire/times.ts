export const ZERO_TIME = "0001-01-01T00:00:00Z";

/** RFC 3339 as Go prints it: no trailing zeros in the fraction. */
export function rfc3339(ms: number | undefined): string {
  if (ms === undefined) return ZERO_TIME;
  const whole = new Date(Math.floor(ms)).toISOString();
  const fraction = whole.slice(20, 23).replace(/0+$/, "");
  return `${whole.slice(0, 19)}${fraction === "" ? "" : `.${fraction}`}Z`;
}
