import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Engine } from "../oracle/engines.ts";
import { both, docker, type Engines, socketOf } from "./docker.ts";
import { round } from "./statistics.ts";

const CONTAINERS = 20;

/** What shims and daemon grow by, resident, for each container. */
export function compareMemory(engines: Engines): void {
  for (const engine of both(engines)) {
    const before = residentBytes(engine);
    for (let index = 0; index < CONTAINERS; index++)
      docker(engine, ["run", "-d", "--name", `memory${index}`, "busybox", "sleep", "1000"]);
    const after = residentBytes(engine);
    for (let index = 0; index < CONTAINERS; index++) docker(engine, ["rm", "-f", `memory${index}`]);
    console.log(
      `memory per container, ${engine.name}: ${round((after - before) / CONTAINERS / 1e6)} MB (daemon and shims with none: ${round(before / 1e6)} MB)`,
    );
  }
}

/** Of everything in the daemon's mount namespace: itself, its helpers and shims, but not the containers, which have namespaces of their own. */
function residentBytes(engine: Engine): number {
  const socket = socketOf(engine);
  const pidFile = join(dirname(socket), engine.name === "real" ? "docker.pid" : "shoald.pid");
  const namespace = readlinkSync(`/proc/${readFileSync(pidFile, "utf8").trim()}/ns/mnt`);
  let total = 0;
  for (const pid of readdirSync("/proc").filter(entry => /^\d+$/.test(entry))) {
    try {
      if (readlinkSync(`/proc/${pid}/ns/mnt`) !== namespace) continue;
      total += Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) * 1_024;
    } catch {
      // It ended while we looked.
    }
  }
  return total;
}
