import { access, readdir, constants, mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { errorMessage, isShortage, OperationError } from "../../lib/errors.ts";
import type { Exec } from "../../ports/exec.ts";
import { SECCOMP_FILTER_ANNOTATION } from "./oci/spec.ts";
import { BUILT_IN_RUNTIMES, globalArguments, type OciRuntime, readRuntimeError } from "./runtime-command.ts";
import { failpoint } from "../../ports/failpoint.ts";

export interface ProbeRequest {
  readonly exec: Exec;
  /** Where runtimes keep their state, and the probe its bundle: `<exec-root>/runtime`. */
  readonly runDirectory: string;
  /** A cgroup that the probe may make one in: `/shoal`. */
  readonly cgroupParent: string;
  /** More runtimes, of `daemon.json`, by name. */
  readonly configured?: Readonly<Record<string, { readonly path: string; readonly args?: readonly string[] }>>;
}

export interface ProbedRuntimes {
  readonly conmonPath: string;
  readonly conmonVersion: string;
  readonly runtimes: ReadonlyMap<string, OciRuntime>;
  /** crun where it works, else runc. */
  readonly defaultRuntime: string;
  readonly versions: ReadonlyMap<string, ProgramVersion>;
  /** Names of the runtimes that take a compiled seccomp filter. */
  readonly seccompFilterRuntimes: ReadonlySet<string>;
  /** Why a runtime that is installed is not used. */
  readonly refused: ReadonlyMap<string, string>;
}

export interface ProgramVersion {
  /** What it calls itself: `runc`. */
  readonly program: string;
  readonly version: string;
  readonly commit: string;
  /** JSON of what it can do; undefined for one that does not tell. */
  readonly features?: string | undefined;
}

const SEARCH_PATHS = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin", "/usr/libexec/podman"];

/** Asks each runtime to run a program that is not there: one that complains of nothing else can do all that comes before. */
export async function probeRuntimes(request: ProbeRequest): Promise<ProbedRuntimes> {
  const { exec, runDirectory, configured = {} } = request;
  const conmonPath = await findProgram("conmon");
  if (conmonPath === undefined) throw new OperationError("unavailable", "conmon is not installed");
  await takeAwayProbes(request);
  const runtimes = new Map<string, OciRuntime>();
  const refused = new Map<string, string>();
  for (const name of BUILT_IN_RUNTIMES) {
    const path = await findProgram(name);
    if (path === undefined) continue;
    const runtime = { name, path, kind: name, args: [], rootPath: join(runDirectory, name) } as const;
    const failure = await whyNot(request, runtime);
    if (failure === undefined) runtimes.set(name, runtime);
    else refused.set(name, failure);
  }
  for (const [name, program] of Object.entries(configured)) runtimes.set(name, configuredRuntime(name, program, runDirectory));
  const defaultRuntime = BUILT_IN_RUNTIMES.find(name => runtimes.has(name)) ?? [...runtimes.keys()][0];
  if (defaultRuntime === undefined) {
    const reasons = [...refused].map(([name, reason]) => `${name}: ${reason}`).join("; ");
    throw new OperationError(
      "unavailable",
      `no container runtime works here (${reasons === "" ? "install crun or runc" : reasons})`,
    );
  }
  const filterRuntimes = new Set<string>();
  for (const runtime of runtimes.values()) if (await takesSeccompFilter(request, runtime)) filterRuntimes.add(runtime.name);
  const versions = new Map<string, ProgramVersion>();
  for (const { name, path } of runtimes.values())
    versions.set(name, { ...(await versionOf(exec, path)), features: await featuresOf(exec, path) });
  const { version: conmonVersion } = await versionOf(exec, conmonPath);
  return { conmonPath, conmonVersion, runtimes, defaultRuntime, versions, seccompFilterRuntimes: filterRuntimes, refused };
}

/** One that the administrator named. */
export function configuredRuntime(
  name: string,
  { path, args = [] }: { readonly path: string; readonly args?: readonly string[] },
  runDirectory: string,
): OciRuntime {
  const kind = /crun/.test(path) ? "crun" : "runc";
  return { name, path, kind, args, rootPath: join(runDirectory, name) };
}

/** Of a daemon that ended while it probed. */
async function takeAwayProbes({ exec, runDirectory }: ProbeRequest): Promise<void> {
  const left = (await readdir(runDirectory).catch((): string[] => [])).flatMap(name => /^probe-(\d+)$/.exec(name)?.[1] ?? []);
  for (const pid of left) {
    for (const name of BUILT_IN_RUNTIMES) {
      const path = await findProgram(name);
      const args = ["--root", join(runDirectory, name), "delete", "--force", `${PROBE_ID}-${pid}`];
      if (path !== undefined) await failpoint("runtime/probe-end.spawn", () => exec.run(path, args, { allowFailure: true }));
    }
    await rm(join(runDirectory, `probe-${pid}`), { recursive: true, force: true });
  }
}

async function findProgram(name: string): Promise<string | undefined> {
  for (const directory of SEARCH_PATHS) {
    const path = join(directory, name);
    const isThere = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (isThere) return path;
  }
  return undefined;
}

async function versionOf(exec: Exec, path: string): Promise<ProgramVersion> {
  const { stdout } = await exec.run(path, ["--version"], { allowFailure: true });
  return {
    program: /^(\S+) version/.exec(stdout)?.[1] ?? "",
    version: /version:? (\S+)/.exec(stdout)?.[1] ?? "",
    commit: /commit: (\S+)/.exec(stdout)?.[1] ?? "",
  };
}

/** @see the OCI runtime specification's features structure. */
async function featuresOf(exec: Exec, path: string): Promise<string | undefined> {
  const { stdout } = await exec.run(path, ["features"], { allowFailure: true });
  return stdout.trimStart().startsWith("{") ? JSON.stringify(JSON.parse(stdout)) : undefined;
}

const PROBE_ID = "shoal-probe";
const PROBE_PROGRAM = "/shoal-probe";

async function whyNot(request: ProbeRequest, runtime: OciRuntime): Promise<string | undefined> {
  const said = await runProbe(request, { runtime, annotations: {} });
  return said.includes(PROBE_PROGRAM) && /not found|no such file/i.test(said) ? undefined : said;
}

/** A runtime that knows the annotation refuses what is no filter; another passes over it. */
async function takesSeccompFilter(request: ProbeRequest, runtime: OciRuntime): Promise<boolean> {
  if (runtime.kind !== "crun") return false;
  return /BPF/i.test(await runProbe(request, { runtime, annotations: { [SECCOMP_FILTER_ANNOTATION]: "not a filter!" } }));
}

/** @returns what the runtime complained of. */
async function runProbe(
  { exec, runDirectory, cgroupParent }: ProbeRequest,
  { runtime, annotations }: { readonly runtime: OciRuntime; readonly annotations: Readonly<Record<string, string>> },
): Promise<string> {
  const bundle = join(runDirectory, `probe-${process.pid}`);
  const id = `${PROBE_ID}-${process.pid}`;
  const logPath = join(bundle, "probe.log");
  try {
    await mkdir(join(bundle, "rootfs"), { recursive: true });
    await mkdir(runtime.rootPath, { recursive: true, mode: 0o700 });
    await writeFile(join(bundle, "config.json"), JSON.stringify(probeSpec(`${cgroupParent}/${id}`, annotations)));
    const common = globalArguments(runtime, logPath);
    const { stderr } = await failpoint("runtime/probe.spawn", () =>
      exec.run(runtime.path, [...common, "run", "--bundle", bundle, id], { allowFailure: true }),
    );
    const said = (await readRuntimeError(logPath)) || stderr.trim();
    await failpoint("runtime/probe-end.spawn", () =>
      exec.run(runtime.path, [...common, "delete", "--force", id], { allowFailure: true }),
    );
    return said;
  } catch (error) {
    // No word about the runtime: taken for one, running containers would find theirs gone.
    if (isShortage(error)) throw error;
    return errorMessage(error);
  } finally {
    await rm(bundle, { recursive: true, force: true });
  }
}

function probeSpec(cgroupsPath: string, annotations: Readonly<Record<string, string>>): unknown {
  return {
    ociVersion: "1.0.2",
    annotations,
    process: { user: { uid: 0, gid: 0 }, args: [PROBE_PROGRAM], env: [], cwd: "/" },
    root: { path: "rootfs" },
    mounts: [
      { destination: "/proc", type: "proc", source: "proc" },
      { destination: "/dev", type: "tmpfs", source: "tmpfs", options: ["nosuid", "mode=755", "size=64k"] },
    ],
    linux: {
      cgroupsPath,
      resources: { pids: { limit: 16 }, devices: [{ allow: false, access: "rwm" }] },
      namespaces: ["pid", "network", "ipc", "uts", "mount"].map(type => ({ type })),
    },
  };
}
