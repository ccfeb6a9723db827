import type { Command } from "../command/command.ts";

export interface ListFlags {
  readonly filter?: readonly string[];
  readonly format?: string;
  readonly quiet?: boolean;
  readonly trunc?: boolean;
}

/** Flags that every listing has. */
export function addListFlags(command: Command): Command {
  return command
    .option("-f, --filter <filter>", "Only those that match")
    .option("--format <string>", "How each is shown: table, json, a template")
    .option("-q, --quiet", "IDs only");
}

/** Names as people count: `web2` stands before `web10`. */
export function byName(a: string, b: string): number {
  const split = (name: string): readonly string[] => name.match(/\d+|\D+/g) ?? [];
  const left = split(a);
  const right = split(b);
  for (const [index, part] of left.entries()) {
    const other = right[index];
    if (other === undefined) return 1;
    if (part === other) continue;
    const areNumbers = /^\d/.test(part) && /^\d/.test(other);
    const order = areNumbers ? Number(part) - Number(other) : part < other ? -1 : 1;
    if (order !== 0) return order;
  }
  return left.length - right.length;
}
