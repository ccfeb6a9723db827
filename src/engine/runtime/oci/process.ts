import { OperationError } from "../../../lib/errors.ts";
import type { Container, ExecConfig } from "../../../model/container.ts";
import type { Ulimit } from "../../../model/cluster.ts";
import { toOciCapabilities } from "./capabilities.ts";
import { INIT_DESTINATION } from "./mounts.ts";
import type { HostFacts } from "./facts.ts";
import type { OciProcess, OciRlimit } from "./types.ts";
import type { ResolvedUser } from "./user.ts";

const DEFAULT_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

const nameOf = (assignment: string): string => assignment.split("=", 1)[0] ?? "";

/** What Docker gives every container, then the user's own: the last of a name wins, in the first one's place. A name without `=` takes one away. */
export function mergeEnvironment(base: readonly string[], overrides: readonly string[]): readonly string[] {
  const merged = new Map(base.map(assignment => [nameOf(assignment), assignment]));
  for (const assignment of overrides) {
    if (assignment.includes("=")) merged.set(nameOf(assignment), assignment);
    else merged.delete(assignment);
  }
  return [...merged.values()];
}

export function containerEnvironment(
  { config }: Pick<Container, "config">,
  { home, linkedEnv = [] }: { readonly home: string; readonly linkedEnv?: readonly string[] },
): readonly string[] {
  // Also where it sees the host's name, as in Docker.
  const base = [DEFAULT_PATH, `HOSTNAME=${config.hostname}`, ...(config.tty ? ["TERM=xterm"] : []), ...linkedEnv];
  return withHome(mergeEnvironment(base, config.env), home);
}

function withHome(environment: readonly string[], home: string): readonly string[] {
  return environment.some(assignment => nameOf(assignment) === "HOME") ? environment : [...environment, `HOME=${home}`];
}

export interface ProcessRequest {
  readonly container: Pick<Container, "path" | "args" | "config" | "hostConfig">;
  readonly user: ResolvedUser;
  readonly capabilities: readonly string[];
  readonly rlimits: readonly OciRlimit[];
  readonly noNewPrivileges: boolean;
  readonly hasInit: boolean;
  /** What its links tell it of other containers. */
  readonly linkedEnv?: readonly string[];
}

export function planProcess(request: ProcessRequest): OciProcess {
  const { container, user, capabilities, hasInit, linkedEnv = [] } = request;
  const { config, hostConfig, path, args } = container;
  const command = [path, ...args];
  return {
    terminal: config.tty,
    ...consoleSize(config.tty, hostConfig.consoleSize),
    user: ociUser(user),
    args: hasInit ? [INIT_DESTINATION, "--", ...command] : command,
    env: containerEnvironment(container, { home: user.home, linkedEnv }),
    cwd: workingDirectory(config.workingDir),
    capabilities: toOciCapabilities(capabilities, user),
    rlimits: request.rlimits,
    noNewPrivileges: request.noNewPrivileges,
    oomScoreAdj: checkedOomScore(hostConfig.oomScoreAdj),
  };
}

function consoleSize(
  isTty: boolean,
  size: readonly [heightCells: number, widthCells: number] | undefined,
): Pick<OciProcess, "consoleSize"> {
  if (!isTty || size === undefined) return {};
  const [height, width] = size;
  return height > 0 && width > 0 ? { consoleSize: { height, width } } : {};
}

function ociUser({ uid, gid, additionalGids }: ResolvedUser): OciProcess["user"] {
  return { uid, gid, additionalGids };
}

function workingDirectory(path: string): string {
  if (path === "") return "/";
  if (!path.startsWith("/"))
    throw new OperationError("invalid", `the working directory '${path}' is invalid, it needs to be an absolute path`);
  return path;
}

function checkedOomScore(score: number): number {
  if (score < -1000 || score > 1000) {
    throw new OperationError("invalid", `Invalid value ${score}, range for oom score adj is [-1000, 1000]`);
  }
  return score;
}

export interface ExecProcessRequest {
  readonly config: ExecConfig;
  readonly container: Pick<Container, "config" | "hostConfig">;
  readonly user: ResolvedUser;
  /** Of the container; a privileged exec has all that this process has. */
  readonly capabilities: readonly string[];
  readonly rlimits: readonly OciRlimit[];
  readonly noNewPrivileges: boolean;
  readonly linkedEnv?: readonly string[];
}

/** `docker exec`: the container's environment, then the exec's own. */
export function planExecProcess(request: ExecProcessRequest): OciProcess {
  const { config, container, user, capabilities, linkedEnv = [] } = request;
  if (config.cmd.length === 0) throw new OperationError("invalid", "No exec command specified");
  const base = containerEnvironment({ config: { ...container.config, tty: config.tty } }, { home: user.home, linkedEnv });
  return {
    terminal: config.tty,
    ...consoleSize(config.tty, config.consoleSize),
    user: ociUser(user),
    args: config.cmd,
    env: mergeEnvironment(base, config.env),
    cwd: execDirectory(config.workingDir === "" ? container.config.workingDir : config.workingDir),
    capabilities: toOciCapabilities(capabilities, user),
    rlimits: request.rlimits,
    noNewPrivileges: request.noNewPrivileges,
    // Otherwise it would have the daemon's, which may be spared.
    oomScoreAdj: container.hostConfig.oomScoreAdj,
  };
}

/** In the words of runc, which sees it first in Docker. */
function execDirectory(path: string): string {
  if (path === "" || path.startsWith("/")) return path || "/";
  throw new OperationError("internal", "OCI runtime exec failed: exec failed: Cwd must be an absolute path");
}

const LIMIT_NAMES = /^(core|cpu|data|fsize|locks|memlock|msgqueue|nice|nofile|nproc|rss|rtprio|rttime|sigpending|stack)$/;
/** -1 is "unlimited". JSON carries RLIM_INFINITY only as far as a double does, and runtimes take any number above the kernel's maximum so. */
const UNLIMITED = -1;

export interface RlimitPlan {
  readonly rlimits: readonly OciRlimit[];
  readonly warnings: readonly string[];
}

/** A hard limit above this process's own can be given only with CAP_SYS_RESOURCE: it is lowered, and said so. */
export function planRlimits(ulimits: readonly Ulimit[], facts: Pick<HostFacts, "capabilities" | "hardLimits">): RlimitPlan {
  const warnings: string[] = [];
  const mayRaise = facts.capabilities.includes("CAP_SYS_RESOURCE");
  const rlimits = ulimits.map(({ name, soft, hard }) => {
    if (!LIMIT_NAMES.test(name)) throw new OperationError("invalid", `invalid ulimit type: ${name}`);
    if (hard !== UNLIMITED && (soft === UNLIMITED || soft > hard)) {
      throw new OperationError("invalid", `ulimit soft limit must be less than or equal to hard limit: ${soft} > ${hard}`);
    }
    const type = `RLIMIT_${name.toUpperCase()}`;
    const ceiling = mayRaise ? undefined : facts.hardLimits[type];
    const isTooHigh = ceiling !== undefined && (hard === UNLIMITED || hard > ceiling);
    if (isTooHigh) warnings.push(`The hard limit of ulimit ${name} was lowered to ${ceiling}, that of the daemon.`);
    const allowedHard = isTooHigh ? ceiling : hard;
    const allowedSoft = allowedHard !== UNLIMITED && (soft === UNLIMITED || soft > allowedHard) ? allowedHard : soft;
    return { type, soft: toRlimit(allowedSoft), hard: toRlimit(allowedHard) };
  });
  return { rlimits, warnings };
}

/** 2^64-1 cannot be written as a JavaScript number; the text of the spec is patched by `encodeSpec`. */
export const RLIMIT_INFINITY = Number.MAX_SAFE_INTEGER;

function toRlimit(value: number): number {
  return value === UNLIMITED ? RLIMIT_INFINITY : value;
}
