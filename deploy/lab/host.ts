import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { plugIn, setCable, setSilence, unplug } from "./network.ts";
import type { LabHost } from "./paths.ts";
import {
  cgroupRoots,
  hostProcesses,
  identify,
  isAlive,
  type ProcessIdentity,
  removeCgroups,
  signalAll,
  thaw,
  until,
} from "./processes.ts";

const HERE = dirname(fileURLToPath(import.meta.url));
/** From the bundle or from the sources. */
const BIN = join(HERE, HERE.endsWith("dist") ? ".." : "../..", "bin");
const START_MS = 20_000;
const STOP_MS = 15_000;
/** Of the log of a daemon that did not start. */
const LOG_LINES_SHOWN = 8;

/**
 * Boots a host: namespaces, private mounts, then its daemon. Nothing is done to a host that is up.
 * @param hosts - All hosts of the lab: what its /etc/hosts says.
 * @param variables - For the daemon alone.
 */
export async function bootHost(
  host: LabHost,
  hosts: readonly LabHost[],
  variables: Readonly<Record<string, string>> = {},
): Promise<void> {
  mkdirSync(host.directory, { recursive: true });
  plugIn(host);
  if (host.name === "client") return;
  if (holder(host) === undefined) await startHolder(host, hosts);
  await startDaemon(host, variables);
}

/** Power loss: everything on the host dies at once, its link too; only its disk stays. */
export async function crashHost(host: LabHost): Promise<void> {
  await killAll(host);
  unplug(host);
  removeCgroups(host.cgroup);
}

/** Kills the daemon and its manager in one go; containers and what watches them stay. */
export async function killDaemon(host: LabHost): Promise<void> {
  const daemon = daemonProcess(host);
  if (daemon === undefined) return;
  const pids = [daemon.pid, ...childrenNamed(daemon.pid, "/bin/manager")];
  const identities = pids.map(identify).filter(identity => identity !== undefined);
  signalAll(pids, "SIGKILL");
  await until(`${host.name} killed`, STOP_MS, () => !identities.some(isAlive));
}

export function pauseHost(host: LabHost): void {
  signalAll(runningProcesses(host), "SIGSTOP");
}

export function resumeHost(host: LabHost): void {
  signalAll(runningProcesses(host), "SIGCONT");
}

export function cutHost(host: LabHost): void {
  setCable(host, "down");
}

export function silenceHost(host: LabHost): void {
  setSilence(host, true);
}

export function healHost(host: LabHost): void {
  setCable(host, "up");
  setSilence(host, false);
}

/** Takes the host away whole, its disk too. */
export async function destroyHost(host: LabHost): Promise<void> {
  await crashHost(host);
  rmSync(host.directory, { recursive: true, force: true });
}

/** What to put before a command to run it inside the host. */
export function enterCommand(host: LabHost): readonly string[] {
  if (host.name === "client") return ["nsenter", `--net=/run/netns/${host.namespace}`];
  const inside = holder(host);
  if (inside === undefined) throw new Error(`${host.name} is not up: "lab restart ${host.name}" boots it`);
  return ["nsenter", "--target", String(inside.pid), "--mount", "--uts", "--net"];
}

export function isUp(host: LabHost): boolean {
  return daemonProcess(host) !== undefined;
}

/** The process that holds the host's mount and UTS namespaces. */
function holder(host: LabHost): ProcessIdentity | undefined {
  return recorded(join(host.directory, "holder.pid"));
}

function daemonProcess(host: LabHost): ProcessIdentity | undefined {
  return recorded(join(host.directory, "shoald.identity"));
}

function runningProcesses(host: LabHost): readonly number[] {
  return hostProcesses(host, holder(host)?.pid);
}

async function killAll(host: LabHost): Promise<void> {
  const holderPid = holder(host)?.pid;
  await until(`all processes of ${host.name} gone`, STOP_MS, () => {
    const pids = hostProcesses(host, holderPid).filter(pid => identify(pid) !== undefined);
    signalAll(pids, "SIGKILL");
    thaw(host.cgroup);
    return pids.length === 0;
  });
}

function recorded(path: string): ProcessIdentity | undefined {
  if (!existsSync(path)) return undefined;
  const text = readFileSync(path, "utf8");
  if (text === "") return undefined; // Whoever wrote it was interrupted.
  const identity = JSON.parse(text) as ProcessIdentity;
  return isAlive(identity) ? identity : undefined;
}

/** For `--userns-remap daemon`, a user that every Debian has. */
const SUBORDINATE_IDS = "daemon:100000:65536\n";

/** A boot: a fresh /run and /dev/shm, a new boot id, a /sys of this network namespace, cgroups that crun accepts. */
async function startHolder(host: LabHost, hosts: readonly LabHost[]): Promise<void> {
  const { directory } = host;
  for (const name of ["data", "cgroups", "proc"]) mkdirSync(join(directory, name), { recursive: true });
  writeFileSync(join(directory, "boot_id"), `${randomUUID()}\n`);
  writeFileSync(
    join(directory, "hosts"),
    ["127.0.0.1 localhost", ...hosts.map(({ address, name }) => `${address} ${name}`), ""].join("\n"),
  );
  writeFileSync(join(directory, "resolv.conf"), "");
  writeFileSync(join(directory, "subordinate-ids"), SUBORDINATE_IDS);
  const script = `
set -e
mount --make-rprivate /
hostname ${host.name}
umount /sys/fs/cgroup/unified 2>/dev/null || true
if [ -d /sys/fs/cgroup/unified ]; then mount -t tmpfs tmpfs /sys/fs/cgroup/unified; fi # What runc makes there goes with the host.
mount --rbind /sys/fs/cgroup ${directory}/cgroups
mount -t sysfs sysfs /sys
mount --rbind ${directory}/cgroups /sys/fs/cgroup
mount -t tmpfs tmpfs /run
mkdir -p /run/lock /run/netns
mount -t tmpfs -o "mode=1777,size=$(df -k --output=size /dev/shm | tail -n 1 | tr -d ' ')k" tmpfs /dev/shm # As large as the machine's; what programs leave there goes with the host.
mount -t proc proc ${directory}/proc # A whole one: where there is none, the kernel mounts none in a user namespace.
mount --bind ${directory}/boot_id /proc/sys/kernel/random/boot_id
mount --bind ${directory}/hosts /etc/hosts
for ids in /etc/subuid /etc/subgid; do if [ -e $ids ]; then mount --bind ${directory}/subordinate-ids $ids; fi; done
resolv=$(readlink -f /etc/resolv.conf || true)
if [ -e "$resolv" ]; then mount --bind ${directory}/resolv.conf "$resolv"; fi
touch ${directory}/booted
exec sleep infinity`;
  rmSync(join(directory, "booted"), { force: true });
  const log = openSync(join(directory, "boot.log"), "w");
  const child = spawn("nsenter", [`--net=/run/netns/${host.namespace}`, "unshare", "--mount", "--uts", "sh", "-c", script], {
    detached: true,
    stdio: ["ignore", log, log],
    cwd: "/",
  });
  closeSync(log);
  child.unref();
  const pid = child.pid;
  if (pid === undefined) throw new Error(`${host.name}: cannot start`);
  await until(`${host.name} boots (see ${directory}/boot.log)`, START_MS, () => existsSync(join(directory, "booted")));
  // nsenter and unshare exec what follows them, so the pid is still that of `sleep`.
  writeFileSync(join(directory, "holder.pid"), JSON.stringify(identify(pid)));
}

async function startDaemon(host: LabHost, variables: Readonly<Record<string, string>>): Promise<void> {
  if (isUp(host)) return;
  const { directory } = host;
  rmSync(host.socket, { force: true });
  const configFile = join(directory, "daemon.json");
  if (!existsSync(configFile)) writeFileSync(configFile, "{}\n");
  for (const root of cgroupRoots()) {
    if (/\/(pids|memory|freezer|systemd)$/.test(root) || existsSync(join(root, "cgroup.controllers"))) {
      mkdirSync(join(root, host.cgroup, "daemon"), { recursive: true });
    }
  }
  const saysHosts = "hosts" in (JSON.parse(readFileSync(configFile, "utf8")) as object);
  const flags = [
    ...(saysHosts ? [] : ["--host", `unix://${host.socket}`]),
    ...["--data-root", join(directory, "data"), "--pidfile", join(directory, "shoald.pid")],
    ...[
      "--cgroup-parent",
      `${host.cgroup}/containers`,
      "--config-file",
      configFile,
      "--log-level",
      process.env["SHOAL_LAB_LOG_LEVEL"] ?? "info",
    ],
  ];
  const joinCgroups = `for d in /sys/fs/cgroup/*${host.cgroup}/daemon /sys/fs/cgroup${host.cgroup}/daemon; do [ -d "$d" ] && echo $$ > "$d/cgroup.procs"; done; exec "$@"`;
  const [enter = "", ...rest] = enterCommand(host);
  const log = openSync(join(directory, "shoald.log"), "a");
  const program = [
    "env",
    ...clockVariables(host),
    "sh",
    "-c",
    joinCgroups,
    "sh",
    process.execPath,
    process.env["SHOAL_LAB_PROGRAM"] ?? join(BIN, "shoald"), // The variable names another build's.
    ...flags,
  ];
  const child = spawn(enter, [...rest, ...program], {
    detached: true,
    stdio: ["ignore", log, log],
    cwd: "/",
    env: {
      PATH: process.env["PATH"] ?? "/usr/sbin:/usr/bin:/sbin:/bin",
      HOME: "/root",
      ...(process.env["SHOAL_FAILPOINTS"] && { SHOAL_FAILPOINTS: process.env["SHOAL_FAILPOINTS"] }),
      ...variables,
    },
  });
  closeSync(log);
  child.unref();
  const { pid } = child;
  if (pid === undefined) throw new Error(`${host.name}: cannot start shoald`);
  writeFileSync(join(directory, "shoald.identity"), JSON.stringify(identify(pid)));
  await until(`shoald of ${host.name} answers (see ${directory}/shoald.log)`, START_MS, () => {
    if (identify(pid) === undefined) {
      throw new Error(`shoald of ${host.name} ended (${directory}/shoald.log):\n${lastLines(join(directory, "shoald.log"))}`);
    }
    return accepts(host.socket);
  });
}

/**
 * With `SHOAL_LAB_CLOCK_LIBRARY` (libfaketime's path) each host's wall clock is off by what its file `clock` says; the monotonic one never.
 * For programs inside the host: what each leaves in /dev/shm goes with it.
 */
function clockVariables({ directory }: LabHost): readonly string[] {
  const library = process.env["SHOAL_LAB_CLOCK_LIBRARY"];
  if (library === undefined) return [];
  const file = join(directory, "clock");
  if (!existsSync(file)) writeFileSync(file, "+0");
  const settings = ["FAKETIME_DONT_FAKE_MONOTONIC=1", "FAKETIME_CACHE_DURATION=1"];
  return [`LD_PRELOAD=${library}`, `FAKETIME_TIMESTAMP_FILE=${file}`, ...settings];
}

/** The file is there a moment before anybody listens at it. */
function accepts(socketPath: string): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(socketPath);
    const settle = (isAccepted: boolean): void => {
      socket.destroy();
      resolve(isAccepted);
    };
    socket.once("connect", () => settle(true)).once("error", () => settle(false));
  });
}

function lastLines(path: string): string {
  return readFileSync(path, "utf8").trimEnd().split("\n").slice(-LOG_LINES_SHOWN).join("\n");
}

function childrenNamed(parentPid: number, name: string): readonly number[] {
  const children = readFileSync(`/proc/${parentPid}/task/${parentPid}/children`, "utf8").trim();
  return children
    .split(" ")
    .filter(Boolean)
    .map(Number)
    .filter(pid => existsSync(`/proc/${pid}/cmdline`) && readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(name));
}
