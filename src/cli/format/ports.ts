import { type Json, number, text } from "../context.ts";

interface Range {
  readonly key: string;
  readonly from: number;
  to: number;
}

/** A container's ports as `ps` shows them: ports in a row that keep their number are one range, the others follow one by one. */
export function displayPorts(ports: readonly Json[]): string {
  const ranges: Range[] = [];
  const open = new Map<string, Range>();
  const mapped: string[] = [];
  for (const port of [...ports].sort(comparePorts)) {
    const inside = number(port, "PrivatePort");
    const protocol = text(port, "Type");
    const ip = text(port, "IP");
    if (ip !== "" && number(port, "PublicPort") !== inside) {
      mapped.push(`${joined(ip, number(port, "PublicPort"))}->${inside}/${protocol}`);
      continue;
    }
    const key = ip === "" ? protocol : `${ip}/${protocol}`;
    const range = open.get(key);
    if (range !== undefined && inside === range.to + 1) range.to = inside;
    else {
      // The range that ends here is shown before those that are still open.
      if (range !== undefined) ranges.push(range);
      open.set(key, { key, from: inside, to: inside });
    }
  }
  return [...[...ranges, ...open.values()].map(shown), ...mapped].join(", ");
}

function shown({ key, from, to }: Range): string {
  const ports = from === to ? String(from) : `${from}-${to}`;
  const [first = "", second] = key.split("/");
  return second === undefined ? `${ports}/${first}` : `${joined(first, ports)}->${ports}/${second}`;
}

function joined(ip: string, port: number | string): string {
  return ip.includes(":") ? `[${ip}]:${port}` : `${ip}:${port}`;
}

function comparePorts(a: Json, b: Json): number {
  return (
    number(a, "PrivatePort") - number(b, "PrivatePort") ||
    compareText(text(a, "IP"), text(b, "IP")) ||
    number(a, "PublicPort") - number(b, "PublicPort") ||
    compareText(text(a, "Type"), text(b, "Type"))
  );
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
