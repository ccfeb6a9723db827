/** Cut to a length, the last character then being an ellipsis. */
export function ellipsis(text: string, lengthMax: number): string {
  const characters = [...text];
  if (characters.length <= lengthMax) return text;
  return `${characters.slice(0, Math.max(lengthMax - 1, 0)).join("")}…`;
}

const SHORT_ID_LENGTH = 12;

/** The first twelve digits, without the algorithm. */
export function shortId(id: string): string {
  return id.slice(id.indexOf(":") + 1).slice(0, SHORT_ID_LENGTH);
}

export function capitalized(word: string): string {
  return word.slice(0, 1).toUpperCase() + word.slice(1);
}

/** A point in time as Go prints it: `2026-01-02 03:04:05 +0000 UTC`, in our zone. */
export function goTime(ms: number): string {
  const date = new Date(ms);
  const pad = (value: number, width = 2): string => String(value).padStart(width, "0");
  const offset = -date.getTimezoneOffset();
  const zone = `${offset < 0 ? "-" : "+"}${pad(Math.trunc(Math.abs(offset) / 60))}${pad(Math.abs(offset) % 60)}`;
  const name = offset === 0 ? "UTC" : (/\(([A-Z]{2,5})\)/.exec(date.toString())?.[1] ?? zone);
  const day = `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`;
  return `${day} ${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())} ${zone} ${name}`;
}

/** A map as `a=1,b=2`, by name. */
export function joinedPairs(pairs: object | null | undefined): string {
  return Object.entries(pairs ?? {})
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${String(value)}`)
    .join(",");
}

/** A point in time as `inspect --pretty` shows it: `2026-01-02 03:04:05.678 +0000 utc`. */
export function utcTime(time: string): string {
  const [, day = "", clock = "", fraction = ""] = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.(\d*?)0*)?Z$/.exec(time) ?? [];
  return day === "" ? time : `${day} ${clock}${fraction === "" ? "" : `.${fraction}`} +0000 utc`;
}
