import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import type { Engine } from "../oracle/engines.ts";
import { daemonPid, type Engines } from "./docker.ts";
import type { Gate } from "./gates.ts";
import { round } from "./statistics.ts";

interface Weight {
  /** Pages that processes share are counted in each. */
  readonly residentBytes: number;
  /** They are divided among them: what the machine really spends. */
  readonly proportionalBytes: number;
}

/** What all processes of each engine weigh with so many containers that do nothing. */
export function compareMemory({ real, ours }: Engines, containers: number): readonly Gate[] {
  const [a, b] = [weightOf(real), weightOf(ours)];
  const mb = (bytes: number): number => round(bytes / 1e6);
  console.log(
    `memory with ${containers} idle containers: real ${mb(a.residentBytes)} MB resident, ${mb(a.proportionalBytes)} MB proportional; ours ${mb(b.residentBytes)} MB, ${mb(b.proportionalBytes)} MB`,
  );
  return [
    { name: "memory, resident", ratio: b.residentBytes / a.residentBytes, ratioMax: 0.25 },
    { name: "memory, proportional", ratio: b.proportionalBytes / a.proportionalBytes, ratioMax: 0.5 },
  ];
}

/** Of everything in the daemon's mount namespace: itself, its helpers and shims, but not the containers, which have namespaces of their own. */
function weightOf(engine: Engine): Weight {
  const namespace = readlinkSync(`/proc/${daemonPid(engine)}/ns/mnt`);
  let [residentBytes, proportionalBytes] = [0, 0];
  for (const pid of readdirSync("/proc").filter(entry => /^\d+$/.test(entry))) {
    try {
      if (readlinkSync(`/proc/${pid}/ns/mnt`) !== namespace) continue;
      const text = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
      residentBytes += kibibytes(text, "Rss");
      proportionalBytes += kibibytes(text, "Pss");
    } catch {
      // It ended while we looked.
    }
  }
  return { residentBytes, proportionalBytes };
}

function kibibytes(text: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(text)?.[1] ?? 0) * 1_024;
}
