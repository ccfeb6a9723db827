import { execFile, execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, copyFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { hostNames, labHost } from "../../deploy/lab/paths.ts";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { allDone } from "../../src/lib/all-done.ts";
import { type DaemonControl, ourDaemon, realDaemon } from "./daemons.ts";

/** One side of the comparison. */
export interface Engine {
  readonly name: "real" | "ours";
  readonly dockerHost: string;
  /** Of its host, where it has a network. */
  readonly address: string;
  /** Texts that stand for this engine's own paths and names. */
  readonly literals: readonly (readonly [text: string, label: string])[];
  readonly defaultRuntime: string;
  readonly daemon: DaemonControl;
  /** The cluster's other hosts, by name. */
  readonly others: ReadonlyMap<string, Engine>;
}

/** Of both engines' hosts: that of a lab's first manager. */
const HOSTNAME = "m1";

/** So that two comparisons can stand side by side. */
export interface EngineNames {
  readonly lab: string;
  readonly peer: string;
}

/** Starts both engines with the same images, side by side. @throws Error when the real one cannot run on this system. */
export async function startEngines({ lab, peer }: EngineNames): Promise<{ readonly real: Engine; readonly ours: Engine }> {
  const { directory, socket } = labHost(lab, HOSTNAME);
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, "daemon.json"), JSON.stringify({ hosts: [`unix://${socket}`] }));
  const [realSocket] = await allDone([startReal([peer, HOSTNAME]), startLab(lab, { workers: 0 })]);
  const engines = { real: realEngine(peer, { socket: realSocket, host: HOSTNAME }), ours: ourEngine(lab, HOSTNAME) };
  await loadImages(Object.values(engines));
  return engines;
}

/**
 * Starts as many hosts of each, `m1`, `w1` and so on, at the same addresses on a switch of each side's own.
 * They are in no swarm. @throws Error as `startEngines` does.
 */
export async function startHosts(
  { lab, peer }: EngineNames,
  { workers }: { readonly workers: number },
): Promise<{ readonly real: Engine; readonly ours: Engine }> {
  const hosts = hostNames({ managers: 1, workers });
  const starting = hosts.map(async host => {
    const name = `${peer}${host}`;
    return realEngine(name, { socket: await startReal([name, host, peer, labHost(lab, host).address]), host });
  });
  const [reals] = await allDone([allDone(starting), startLab(lab, { workers })]);
  const ours = hosts.map(host => ourEngine(lab, host));
  await loadImages([...reals, ...ours]);
  return { real: cluster(reals, hosts), ours: cluster(ours, hosts) };
}

/** Takes them away; safe when they are gone. */
export async function stopHosts({ lab, peer }: EngineNames, { workers }: { readonly workers: number }): Promise<void> {
  const hosts = hostNames({ managers: 1, workers });
  await allDone([...hosts.map(host => stopReal(`${peer}${host}`)), stopLab(lab)]);
  await stopReal(peer); // Their switch.
}

/** The first of them, which knows the others. */
function cluster(engines: readonly Engine[], hosts: readonly string[]): Engine {
  const [first] = engines;
  if (first === undefined) throw new Error("a cluster has a manager");
  return { ...first, others: new Map(engines.map((engine, index) => [hosts[index] ?? "", engine])) };
}

const run = promisify(execFile);

async function startReal(args: readonly string[]): Promise<string> {
  return (await run("bash", ["test/oracle/real-docker.sh", "up", ...args])).stdout.trim();
}

async function stopReal(name: string): Promise<void> {
  await run("bash", ["test/oracle/real-docker.sh", "down", name]);
}

async function startLab(lab: string, { workers }: { readonly workers: number }): Promise<void> {
  const count = ["--managers", "1", "--workers", String(workers)];
  await run(process.execPath, ["bin/lab", "up", "--name", lab, ...count, "--empty"]);
}

async function stopLab(lab: string): Promise<void> {
  await run(process.execPath, ["bin/lab", "down", "--name", lab]);
}

/** @param name - Of the peer. */
function realEngine(name: string, { socket, host }: { readonly socket: string; readonly host: string }): Engine {
  return {
    name: "real",
    dockerHost: `unix://${socket}`,
    defaultRuntime: "runc",
    address: labHost("any", host).address,
    daemon: realDaemon(name, { folder: dirname(socket), socket }),
    others: new Map(),
    literals: [
      [socket.replace("docker.sock", "data"), "<data>"],
      [labHost("any", host).address, "<address>"],
      ["127.0.0.1", "<address>"],
      [socket, "<socket>"],
      [`"${host}"`, '"<hostname>"'],
    ],
  };
}

function ourEngine(lab: string, host: string): Engine {
  const { socket, address, directory } = labHost(lab, host);
  return {
    name: "ours",
    dockerHost: `unix://${socket}`,
    defaultRuntime: "crun",
    address,
    daemon: ourDaemon(lab, { host, folder: directory, socket }),
    others: new Map(),
    literals: [
      [socket.replace("shoal.sock", "data"), "<data>"],
      [address, "<address>"],
      ["127.0.0.1", "<address>"],
      [socket, "<socket>"],
      [`"${host}"`, '"<hostname>"'],
    ],
  };
}

/** Takes both away; safe when they are gone. */
export async function stopEngines({ lab, peer }: EngineNames): Promise<void> {
  await allDone([stopReal(peer), stopLab(lab)]);
}

/** Where they are not yet. */
export async function loadImages(engines: readonly Pick<Engine, "dockerHost">[]): Promise<void> {
  const archive = busyboxArchive();
  await allDone(engines.map(engine => loadBusybox(engine, archive)));
  rmSync(archive, { force: true });
}

async function loadBusybox({ dockerHost }: Pick<Engine, "dockerHost">, archive: string): Promise<void> {
  const options = { env: { ...process.env, DOCKER_HOST: dockerHost } };
  const present = await run("docker", ["images", "--quiet", "busybox:latest"], options);
  if (present.stdout !== "") return;
  const changes = ["--change", 'CMD ["sh"]', "--change", "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"];
  await run("docker", ["import", ...changes, archive, "busybox:latest"], options);
}

/** A root file system of the system's static busybox, as a tar. */
function busyboxArchive(): string {
  const root = mkdtempSync(join(tmpdir(), "shoal-oracle-"));
  for (const name of ["bin", "etc", "tmp", "root", "proc", "sys", "dev", "home"]) mkdirSync(join(root, name));
  copyFileSync("/usr/bin/busybox", join(root, "bin/busybox"));
  const applets = execFileSync("/usr/bin/busybox", ["--list"], { encoding: "utf8" })
    .split("\n")
    .filter(name => name !== "" && name !== "busybox");
  for (const applet of applets) symlinkSync("busybox", join(root, "bin", applet));
  writeFileSync(join(root, "etc/passwd"), "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/home:/bin/false\n");
  writeFileSync(join(root, "etc/group"), "root:x:0:\nnogroup:x:65534:\n");
  const archive = `${root}.tar`;
  execFileSync("tar", [
    "--create",
    "--file",
    archive,
    "--directory",
    root,
    "--owner=0",
    "--group=0",
    "--mtime=@0",
    "--sort=name",
    ".",
  ]);
  rmSync(root, { recursive: true, force: true });
  return archive;
}
