import { existsSync, readdirSync, readFileSync, readlinkSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { LabHost } from "./paths.ts";

/** A process for good: its pid with its start time, since pids come round again. */
export interface ProcessIdentity {
  readonly pid: number;
  readonly startTicks: number;
}

export function identify(pid: number): ProcessIdentity | undefined {
  const stat = readText(`/proc/${pid}/stat`);
  if (stat === undefined) return undefined;
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return fields[0] === "Z" ? undefined : { pid, startTicks: Number(fields[19]) };
}

export function isAlive({ pid, startTicks }: ProcessIdentity): boolean {
  return identify(pid)?.startTicks === startTicks;
}

/** Everything that runs on a host: what shares its mount namespace, and what is in its cgroups (containers have mount namespaces of their own). */
export function hostProcesses(host: LabHost, holderPid: number | undefined): readonly number[] {
  const pids = new Set<number>();
  const mountNamespace = holderPid === undefined ? undefined : readLink(`/proc/${holderPid}/ns/mnt`);
  if (mountNamespace !== undefined) {
    for (const pid of allPids()) if (readLink(`/proc/${pid}/ns/mnt`) === mountNamespace) pids.add(pid);
  }
  for (const directory of cgroupDirectories(host.cgroup)) {
    for (const pid of pidsInCgroup(directory)) pids.add(pid);
  }
  pids.delete(process.pid);
  return [...pids];
}

export function signalAll(pids: readonly number[], signal: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
    }
  }
}

/** Of version 1: what is frozen takes no signal there, not even the last one. */
export function thaw(cgroup: string): void {
  for (const directory of cgroupDirectories(cgroup)) {
    const state = join(directory, "freezer.state");
    if (readText(state)?.trim().startsWith("FR") !== true) continue;
    try {
      writeFileSync(state, "THAWED");
    } catch (error) {
      if (!isGone(error)) throw error;
    }
  }
}

/** Waits until `condition` holds. @throws Error after `ms`. */
export async function until(what: string, ms: number, condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + ms;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`timed out: ${what}`);
    await new Promise(resolve => setTimeout(resolve, 20));
  }
}

/** Removes a cgroup with all below it, in every hierarchy. They must be empty of processes. */
export function removeCgroups(cgroup: string): void {
  const directories = [...cgroupDirectories(cgroup)].sort((a, b) => b.length - a.length);
  for (const directory of directories) {
    try {
      rmdirSync(directory);
    } catch {
      // Still in use for a moment, or gone: the next `down` looks again.
    }
  }
}

/** A cgroup's folders, itself and all below, in each hierarchy (v1 has one per controller). */
export function* cgroupDirectories(cgroup: string): Iterable<string> {
  for (const root of cgroupRoots()) yield* withDescendants(join(root, cgroup));
}

/** Where cgroups are mounted: one folder on v2, one per controller on v1. */
export function cgroupRoots(): readonly string[] {
  const root = "/sys/fs/cgroup";
  if (existsSync(join(root, "cgroup.controllers"))) return [root];
  return readdirSync(root, { withFileTypes: true })
    .filter(entry => entry.isDirectory() && entry.name !== "unified")
    .map(entry => join(root, entry.name));
}

function* withDescendants(directory: string): Iterable<string> {
  if (!existsSync(directory)) return;
  yield directory;
  for (const name of foldersIn(directory)) yield* withDescendants(join(directory, name));
}

/** @returns none where the folder is gone: daemons that end remove cgroups while we look. */
function foldersIn(directory: string): readonly string[] {
  try {
    const entries = readdirSync(directory, { withFileTypes: true });
    return entries.filter(entry => entry.isDirectory()).map(({ name }) => name);
  } catch (error) {
    if (isGone(error)) return [];
    throw error;
  }
}

function isGone(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENODEV");
}

function pidsInCgroup(directory: string): readonly number[] {
  return (readText(join(directory, "cgroup.procs")) ?? "").split("\n").filter(Boolean).map(Number);
}

function allPids(): readonly number[] {
  return readdirSync("/proc").map(Number).filter(Number.isInteger);
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined; // Processes come and go while we look.
  }
}

function readLink(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}
