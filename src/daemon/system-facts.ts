import { readFile } from "node:fs/promises";
import { arch, availableParallelism, hostname, release, totalmem } from "node:os";

/** What `docker info` says of the machine. */
export interface SystemFacts {
  readonly hostname: string;
  readonly kernelVersion: string;
  readonly operatingSystem: string;
  readonly osVersion: string;
  /** As `uname -m`. */
  readonly architecture: string;
  readonly cpus: number;
  readonly memoryBytes: number;
}

const MACHINES: Readonly<Record<string, string>> = {
  x64: "x86_64",
  arm64: "aarch64",
  arm: "armv7l",
  s390x: "s390x",
  ppc64: "ppc64le",
};

export async function gatherSystemFacts(): Promise<SystemFacts> {
  const osRelease = parseOsRelease(await readFile("/etc/os-release", "utf8").catch(() => ""));
  return {
    hostname: hostname(),
    kernelVersion: release(),
    operatingSystem: osRelease["PRETTY_NAME"] ?? "Linux",
    osVersion: osRelease["VERSION_ID"] ?? "",
    architecture: MACHINES[arch()] ?? arch(),
    cpus: availableParallelism(),
    memoryBytes: totalmem(),
  };
}

/** @see os-release(5). */
export function parseOsRelease(text: string): Readonly<Record<string, string>> {
  return Object.fromEntries([...text.matchAll(/^([A-Z_]+)="?([^"\n]*)"?$/gm)].map(([, key = "", value = ""]) => [key, value]));
}
