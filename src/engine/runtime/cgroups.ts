import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { errnoCode } from "../../lib/errors.ts";
import { ifGone, readKernelFile } from "./kernel-file.ts";

const CGROUP_ROOT = "/sys/fs/cgroup";

/** Where a process's cgroup is, by controller; on v2 all are one. */
export interface CgroupPaths {
  readonly version: 1 | 2;
  readonly pids: string;
  readonly memory: string;
  readonly freezer: string;
  /** In each hierarchy. */
  readonly all: readonly string[];
}

/** @param text - Of /proc/PID/cgroup. */
export function parseCgroupPaths(text: string): CgroupPaths | undefined {
  const byController = new Map<string, string>();
  const all: string[] = [];
  for (const line of text.trim().split("\n")) {
    const [, controllers = "", ...parts] = line.split(":");
    const path = parts.join(":");
    for (const controller of controllers.split(",")) byController.set(controller, path);
    all.push(join(CGROUP_ROOT, controllers.replace(/^name=/, ""), path));
  }
  const [pids, memory, freezer] = ["pids", "memory", "freezer"].map(name => byController.get(name));
  if (pids !== undefined && memory !== undefined && freezer !== undefined) {
    const place = (controller: string, path: string): string => join(CGROUP_ROOT, controller, path);
    return { version: 1, pids: place("pids", pids), memory: place("memory", memory), freezer: place("freezer", freezer), all };
  }
  const unified = byController.get("");
  if (unified === undefined) return undefined;
  const path = join(CGROUP_ROOT, unified);
  return { version: 2, pids: path, memory: path, freezer: path, all };
}

/** `undefined` when there is no such process. */
export function readCgroupPaths(pid: number): CgroupPaths | undefined {
  const text = readKernelFile(`/proc/${pid}/cgroup`);
  return text === undefined ? undefined : parseCgroupPaths(text);
}

/** Also those in cgroups that the container made below its own. None of one that is gone. */
export async function pidsInCgroup(path: string): Promise<readonly number[]> {
  const [text, entries] = await Promise.all([
    readFile(join(path, "cgroup.procs"), "utf8").catch(ifUnlisted),
    readdir(path, { withFileTypes: true }).catch(ifGone([])),
  ]);
  const below = entries.filter(entry => entry.isDirectory()).map(entry => pidsInCgroup(join(path, entry.name)));
  const own = text.split("\n").filter(line => line !== "");
  return [...own.map(Number), ...(await Promise.all(below)).flat()];
}

/** A threaded cgroup does not say: its processes are in the list of the one above it. */
function ifUnlisted(error: unknown): string {
  return errnoCode(error) === "ENOTSUP" ? "" : ifGone("")(error);
}

/** Whether the kernel ended something in it for want of memory. The cgroup must still be there. */
export function wasOomKilled({ version, memory }: CgroupPaths): boolean {
  const file = join(memory, version === 1 ? "memory.oom_control" : "memory.events");
  const text = readKernelFile(file) ?? "";
  return Number(/^oom_kill (\d+)/m.exec(text)?.[1] ?? "0") > 0;
}

export async function isFrozen({ version, freezer }: CgroupPaths): Promise<boolean> {
  const file = join(freezer, version === 1 ? "freezer.state" : "cgroup.freeze");
  const text = (await readFile(file, "utf8").catch(ifGone(""))).trim();
  return version === 1 ? text === "FROZEN" || text === "FREEZING" : text === "1";
}
