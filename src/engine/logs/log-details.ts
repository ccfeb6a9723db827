import type { Labels } from "../../model/cluster.ts";
import { type AttributeSource, logAttributes } from "./log-attributes.ts";

/** What `--details` shows in front of each line: the labels and variables that the log options name, and the tag, as `a=b,c=d`. */
export function logDetails(options: Labels, source: AttributeSource, tag = ""): string {
  return Object.entries({ ...logAttributes(options, source), ...(tag !== "" && { tag }) })
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${escaped(name)}=${escaped(value)}`)
    .join(",");
}

/** As Go writes a query. */
function escaped(text: string): string {
  return encodeURIComponent(text)
    .replaceAll("%20", "+")
    .replace(/[!'()*]/g, character => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
}
