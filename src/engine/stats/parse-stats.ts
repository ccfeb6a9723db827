import type { BlockIo, NetworkUsage } from "../../model/stats.ts";

/** `name value` lines, as cgroup files and /proc have them. What is no number is left out. */
export function parseKeyValues(text: string): ReadonlyMap<string, number> {
  const values = new Map<string, number>();
  for (const line of text.split("\n")) {
    const at = line.indexOf(" ");
    const value = Number(line.slice(at + 1));
    if (at > 0 && Number.isFinite(value)) values.set(line.slice(0, at), value);
  }
  return values;
}

/** One number in a file. `max` and an empty file are undefined. */
export function parseNumberFile(text: string | undefined): number | undefined {
  const word = (text ?? "").trim();
  return /^\d+$/.test(word) ? Number(word) : undefined;
}

const CLOCK_TICK_NS = 1e7;
/** user, nice, system, idle, iowait, irq, softirq: what follows is counted in them already. */
const CPU_FIELDS = 7;

/** Time of all processors together and how many there are, from /proc/stat. */
export function parseSystemCpu(text: string): { readonly systemNs: number; readonly onlineCpus: number } {
  const [first = "", ...lines] = text.split("\n");
  const ticks = first
    .trim()
    .split(/\s+/)
    .slice(1, 1 + CPU_FIELDS)
    .map(Number);
  const onlineCpus = lines.filter(line => /^cpu\d/.test(line)).length;
  return { systemNs: ticks.reduce((sum, value) => sum + value, 0) * CLOCK_TICK_NS, onlineCpus };
}

/** /proc/PID/net/dev without the loopback. */
export function parseNetDev(text: string): Readonly<Record<string, NetworkUsage>> {
  const networks: Record<string, NetworkUsage> = {};
  for (const line of text.split("\n").slice(2)) {
    const colon = line.lastIndexOf(":");
    const name = line.slice(0, colon).trim();
    if (colon < 0 || name === "lo") continue;
    const numbers = line
      .slice(colon + 1)
      .trim()
      .split(/\s+/)
      .map(Number);
    const [rxBytes = 0, rxPackets = 0, rxErrors = 0, rxDropped = 0] = numbers;
    const [txBytes = 0, txPackets = 0, txErrors = 0, txDropped = 0] = numbers.slice(8);
    networks[name] = { rxBytes, rxPackets, rxErrors, rxDropped, txBytes, txPackets, txErrors, txDropped };
  }
  return networks;
}

/** v1: `8:0 Read 4096` lines; the sum over all devices at the end is left out. */
export function parseBlkio(text: string): readonly BlockIo[] {
  return text.split("\n").flatMap(line => {
    const match = /^(\d+):(\d+) (\w+) (\d+)$/.exec(line);
    if (match === null) return [];
    return [{ major: Number(match[1]), minor: Number(match[2]), operation: match[3] ?? "", value: Number(match[4]) }];
  });
}

/** v2: `8:0 rbytes=1 wbytes=2 rios=…` lines. */
export function parseIoStat(text: string): readonly BlockIo[] {
  return text.split("\n").flatMap(line => {
    const match = /^(\d+):(\d+) (.*)$/.exec(line);
    if (match === null) return [];
    const [major, minor] = [Number(match[1]), Number(match[2])];
    const values = new Map((match[3] ?? "").split(" ").map(pair => pair.split("=") as [string, string]));
    return [
      { major, minor, operation: "read", value: Number(values.get("rbytes") ?? 0) },
      { major, minor, operation: "write", value: Number(values.get("wbytes") ?? 0) },
    ];
  });
}

/** Where each controller of a process is, of the text of /proc/PID/cgroup. "" is the v2 tree. */
export function parseControllers(text: string): ReadonlyMap<string, string> {
  const places = new Map<string, string>();
  for (const line of text.trim().split("\n")) {
    const [, controllers = "", ...path] = line.split(":");
    for (const controller of controllers.split(",")) places.set(controller, path.join(":"));
  }
  return places;
}

/** A container's own cgroup, also when its first process went into one below it. */
export function ownCgroup(path: string, containerId: string): string {
  const parts = path.split("/");
  const at = parts.findIndex(part => part.includes(containerId));
  return at < 0 ? path : parts.slice(0, at + 1).join("/");
}
