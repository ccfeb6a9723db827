import { mkdir, readFile, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { errorMessage, OperationError } from "../../lib/errors.ts";
import type { ContainerId } from "../../model/ids.ts";
import type { Log } from "../../ports/log.ts";
import { type CgroupPaths, pidsInCgroup, readCgroupPaths, wasOomKilled } from "./cgroups.ts";
import { CgroupWarmth } from "./cgroup-warmth.ts";
import { ConmonContainer, SHIM_FILES } from "./conmon-container.ts";
import { CONMON_PID_FILE, type ConmonLaunch, launchConmon } from "./conmon-launch.ts";
import { isThere } from "../files/is-there.ts";
import { ConmonCgroup } from "./conmon-cgroup.ts";
import { ExitDirectory } from "./exit-directory.ts";
import type { RuntimeHost } from "./host.ts";
import { hasEnded, type ProcessStat, readProcessStat } from "./process-stat.ts";
import { ifGone, readKernelFile } from "./kernel-file.ts";
import { removeFile } from "./remove-file.ts";
import { finishDelete } from "./crun-delete.ts";
import { type OciRuntime, runVerb } from "./runtime-command.ts";
import { prepareRuntime } from "./runtime-notes.ts";
import type { Shim, ShimContainer, ShimCreate, ShimExit, ShimRestore } from "./shim.ts";

export interface ConmonShimOptions {
  readonly host: RuntimeHost;
  readonly log: Log;
  readonly conmonPath: string;
  /** By the name a user gives. */
  readonly runtimes: ReadonlyMap<string, OciRuntime>;
  readonly defaultRuntime: () => string;
  /** Exit codes of containers, one file each; lives as long as the machine is up. */
  readonly exitDirectory: string;
  /** For the sockets of terminals, whose paths may have 107 bytes; by default `console` beside the exit directory. Emptied at start. */
  readonly socketDirectory?: string;
  /** Where conmons are put when the daemon's cgroup is not the root: `/shoal/conmon`. */
  readonly conmonCgroup: string;
}

export interface ConmonShim extends Shim, Disposable {
  discard(request: Pick<ShimRestore, "id" | "bundlePath" | "runtime">): Promise<void>;
}

/** Code of a container whose end nobody saw because its conmon was killed. */
const LOST_EXIT_CODE = 137;
const SIGKILL = 9;
const CONMON_GONE_POLL_MS = 20;
const CONMON_GONE_MAX_MS = 5_000;

export async function createConmonShim(options: ConmonShimOptions): Promise<ConmonShim> {
  const { host, log, runtimes, conmonPath } = options;
  const { socketDirectory = join(dirname(options.exitDirectory), "console") } = options;
  for (const runtime of runtimes.values()) await prepareRuntime(runtime);
  const cgroup = await ConmonCgroup.prepare(options.conmonCgroup, { log });
  await rm(socketDirectory, { recursive: true, force: true });
  await mkdir(socketDirectory, { recursive: true, mode: 0o700 });
  const exits = await ExitDirectory.open(options.exitDirectory, { log });

  const nameOf = (name: string | undefined): string => (name === undefined || name === "" ? options.defaultRuntime() : name);
  const runtimeNamed = (name: string | undefined): OciRuntime => {
    const wanted = nameOf(name);
    const runtime = runtimes.get(wanted);
    if (runtime === undefined) throw new OperationError("invalid", `unknown or invalid runtime name: ${wanted}`);
    return runtime;
  };

  /**
   * Settles when the exit code is there; without conmon it never comes, and the container is ended.
   * @throws Error where conmon cannot be watched, which is no reason to end anything.
   */
  function watchExit(id: ContainerId, { bundlePath, cgroups, conmonPid }: Watched): Promise<ShimExit> {
    let resolve: (exit: ShimExit) => void = () => {};
    const exit = new Promise<ShimExit>(settled => (resolve = settled));
    const settle = async (exitCode: number): Promise<void> => {
      stopWatching?.();
      resolve({ exitCode, isOomKilled: await oomMarkOf({ id, bundlePath, cgroups }) });
    };
    const lost = async (): Promise<void> => {
      exits.forget(id);
      const recorded = await exits.readAtLast(id);
      if (recorded === undefined) {
        log.warn({ container: id }, "conmon is gone without an exit code: the container is ended");
        await endProcesses({ id, cgroups });
      }
      await settle(recorded ?? LOST_EXIT_CODE);
    };
    const stopWatching = host.watchProcess(conmonPid, () => void lost());
    if (stopWatching === undefined) void lost();
    else exits.onExit(id, exitCode => void settle(exitCode));
    return exit;
  }

  async function endProcesses({ id, cgroups }: Pick<Ended, "id" | "cgroups">): Promise<void> {
    try {
      for (const pid of cgroups === undefined ? [] : await pidsInCgroup(cgroups.pids)) endProcess(pid);
    } catch (error) {
      log.error({ container: id, error: errorMessage(error) }, "processes of a container could not be ended");
    }
  }

  /** An end is told in any case. */
  async function oomMarkOf({ id, bundlePath, cgroups }: Ended): Promise<boolean> {
    try {
      return await isOomKilled(bundlePath, cgroups);
    } catch (error) {
      log.error({ container: id, error: errorMessage(error) }, "whether a container ended for want of memory cannot be said");
      return false;
    }
  }

  interface Ended {
    readonly id: ContainerId;
    readonly bundlePath: string;
    readonly cgroups: CgroupPaths | undefined;
  }

  interface Watched {
    readonly bundlePath: string;
    readonly cgroups: CgroupPaths | undefined;
    readonly conmonPid: number;
  }

  async function create(request: ShimCreate): Promise<ShimContainer> {
    const { id, bundlePath } = request;
    const runtime = runtimeNamed(request.runtime);
    const isReady = Promise.all([request.isReady, exits.remove(id), removeFile(join(bundlePath, "oom"))]);
    isReady.catch(() => undefined); // Waited for below, unless conmon cannot be started.
    const launch: ConmonLaunch = { host, conmonPath, runtime, exitDirectoryPath: exits.path, cgroup };
    const pid = await launchConmon(launch, { ...request, isReady });
    const processStat = readProcessStat(pid);
    const cgroups = readCgroupPaths(pid);
    if (processStat === undefined) throw new OperationError("internal", `container ${id} ended before it was started`);
    const container = containerOf({
      ...request,
      runtime,
      pid,
      pidStartTicks: processStat.startTicks,
      cgroups,
      isPlain: request.hasHooks !== true,
      exit: watchExit(id, { bundlePath, cgroups, conmonPid: processStat.parentPid }),
    });
    if (request.attach) await container.attach();
    return container;
  }

  function containerOf(
    given: Omit<ShimCreate, "runtime" | "attach" | "hasStdin" | "isReady"> & {
      readonly runtime: OciRuntime;
      readonly pid: number;
      readonly pidStartTicks: number;
      readonly cgroups: CgroupPaths | undefined;
      readonly isPlain: boolean;
      readonly exit: Promise<ShimExit>;
    },
  ): ConmonContainer {
    const forget = async (): Promise<void> => {
      exits.forget(given.id);
      await exits.remove(given.id);
    };
    return new ConmonContainer({ ...given, host, conmonPath, socketDirectory, forget });
  }

  async function restore(request: ShimRestore): Promise<ShimContainer | undefined> {
    const { id, bundlePath, logPath, pid, pidStartTicks } = request;
    // In this order: a conmon that ends meanwhile has left the exit code by the time it is looked for.
    const conmon = await findConmon(request);
    const exitCode = await exits.read(id);
    const found = readProcessStat(pid);
    const isAlive = found?.startTicks === pidStartTicks && !hasEnded(found);
    if (exitCode === undefined && !isAlive && conmon === undefined) return undefined;
    const cgroups = isAlive ? readCgroupPaths(pid) : undefined;
    const exit =
      exitCode === undefined
        ? watchExit(id, { bundlePath, cgroups, conmonPid: conmon ?? 0 })
        : Promise.resolve({ exitCode, isOomKilled: await oomMarkOf({ id, bundlePath, cgroups }) });
    const container = containerOf({
      ...request,
      isStdinOnce: false, // Its stdin ended with the daemon that held it.
      runtime: runtimeNamed(request.runtime),
      program: await readProgram(bundlePath),
      cgroups,
      isPlain: false,
      exit,
    });
    if (exitCode === undefined && conmon !== undefined && logPath !== undefined && !(await isThere(logPath)))
      await container.reopenLog().catch((error: unknown) => {
        log.error({ container: id, error: errorMessage(error) }, "a container that goes on has no log");
      });
    return container;
  }

  async function discard({ id, bundlePath, runtime: name }: Pick<ShimRestore, "id" | "bundlePath" | "runtime">): Promise<void> {
    const runtime = runtimes.get(nameOf(name)); // One that is configured no more has nothing that could be asked for.
    if (runtime !== undefined) {
      await finishDelete(runtime, id);
      await runVerb({ host, runtime, bundlePath }, { verb: ["delete", "--force"], id }).catch((error: unknown) => {
        if (!/does not exist|no such file/i.test(String(error))) throw error;
      });
    }
    await endConmon({ id, bundlePath });
    exits.forget(id);
    await Promise.all([exits.remove(id), ...SHIM_FILES.map(name => removeFile(join(bundlePath, name)))]);
  }

  const warmth = await CgroupWarmth.create();
  return {
    prepare: () => warmth.warm(),
    create,
    restore,
    discard,
    [Symbol.dispose]() {
      exits[Symbol.dispose]();
      cgroup[Symbol.dispose]();
    },
  };
}

/** It ends by itself once its container is gone; one that does not in time is killed. */
async function endConmon(request: Pick<ShimRestore, "id" | "bundlePath">): Promise<void> {
  for (let waitedMs = 0; waitedMs < CONMON_GONE_MAX_MS; waitedMs += CONMON_GONE_POLL_MS) {
    if ((await findConmon(request)) === undefined) return;
    await new Promise(resolve => setTimeout(resolve, CONMON_GONE_POLL_MS));
  }
  const pid = await findConmon(request);
  if (pid !== undefined) endProcess(pid);
}

/** The pid that conmon noted, if it is still that container's conmon. @throws Error where that cannot be said. */
export async function findConmon({ id, bundlePath }: Pick<ShimRestore, "id" | "bundlePath">): Promise<number | undefined> {
  const text = await readFile(join(bundlePath, CONMON_PID_FILE), "utf8").catch(ifGone(""));
  const pid = Number.parseInt(text, 10);
  if (!(pid > 0)) return undefined;
  const commandLine = readKernelFile(`/proc/${pid}/cmdline`) ?? "";
  return isConmon(readProcessStat(pid)) && commandLine.split("\0").includes(id) ? pid : undefined;
}

function isConmon(found: ProcessStat | undefined): boolean {
  return found !== undefined && found.name === "conmon" && !hasEnded(found);
}

function endProcess(pid: number): void {
  try {
    process.kill(pid, SIGKILL);
  } catch {
    return; // Gone already.
  }
}

/** conmon's own mark, or the kernel's count where conmon's version misses it. */
async function isOomKilled(bundlePath: string, cgroups: CgroupPaths | undefined): Promise<boolean> {
  const isCounted = cgroups !== undefined && wasOomKilled(cgroups);
  return isCounted || isThere(join(bundlePath, "oom"));
}

/** What runs in the container, for the words of an error. */
async function readProgram(bundlePath: string): Promise<string> {
  const text = await readFile(join(bundlePath, "config.json"), "utf8").catch((cause: unknown) => {
    throw new OperationError("internal", `${bundlePath} has no config.json`, { cause });
  });
  const spec = JSON.parse(text) as { readonly process?: { readonly args?: readonly string[] } };
  const args = spec.process?.args ?? [];
  return (args[0] === "/sbin/docker-init" ? args[2] : args[0]) ?? "";
}
