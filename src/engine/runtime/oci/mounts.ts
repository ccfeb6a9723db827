import { posix } from "node:path";
import { OperationError } from "../../../lib/errors.ts";
import type { HostConfig } from "../../../model/container.ts";
import type { OciMount } from "./types.ts";

/** A file or folder of the host that the container sees: binds, volumes, /etc/hosts, secrets … Its source is there already. */
export interface SpecMount {
  readonly source: string;
  readonly destination: string;
  readonly isWritable: boolean;
  /** `rprivate` by default. */
  readonly propagation?: string;
  /** Without the mounts below it. */
  readonly isNonRecursive?: boolean;
  /** Read-only also below, where mounts are: the default where the kernel can (5.12). */
  readonly isReadOnlyRecursive?: boolean;
  /** `noexec`, `nosuid` …: more mount options. */
  readonly options?: readonly string[];
}

export interface MountRequest {
  readonly hostConfig: Pick<HostConfig, "tmpfs" | "mounts" | "ipcMode" | "shmSizeBytes" | "privileged" | "pidMode">;
  readonly mounts: readonly SpecMount[];
  readonly hasWritableCgroups: boolean;
  readonly canReadOnlyRecursive: boolean;
  /** What /dev/shm is, when it is not the container's own. */
  readonly sharedMemoryPath?: string;
  /** Of `--init`. */
  readonly initPath?: string;
}

export interface MountPlan {
  readonly mounts: readonly OciMount[];
  /** `shared` or `slave` when a bind asks for propagation that the root must let through. */
  readonly rootfsPropagation?: string;
}

export const INIT_DESTINATION = "/sbin/docker-init";
const SHM_BYTES = 64 * 1024 * 1024;

/** Parents before what is mounted in them; a mount of the user's takes the place of a default one, and of those below it. */
export function planMounts(request: MountRequest): MountPlan {
  const asked = [...request.mounts.map(mount => toBind(mount, request)), ...planTmpfs(request.hostConfig)];
  checkDuplicates(asked);
  const isReplaced = ({ destination }: OciMount): boolean =>
    asked.some(mount => destination === mount.destination || (mount.destination === "/dev" && destination.startsWith("/dev/")));
  const init: readonly OciMount[] =
    request.initPath === undefined
      ? []
      : [{ destination: INIT_DESTINATION, type: "bind", source: request.initPath, options: ["bind", "ro"] }];
  const defaults = defaultMounts(request).filter(mount => !isReplaced(mount));
  const propagation = strongest(request.mounts);
  return {
    mounts: [...defaults, ...[...asked].sort(byDepth), ...init],
    ...(propagation === undefined ? {} : { rootfsPropagation: propagation }),
  };
}

function byDepth(left: OciMount, right: OciMount): number {
  const depth = ({ destination }: OciMount): number => destination.split("/").filter(part => part !== "").length;
  return depth(left) - depth(right);
}

function checkDuplicates(mounts: readonly OciMount[]): void {
  const seen = new Set<string>();
  for (const { destination } of mounts) {
    const path = posix.normalize(destination);
    if (!posix.isAbsolute(destination)) {
      throw new OperationError("invalid", `invalid mount path: '${destination}' mount path must be absolute`);
    }
    if (path === "/") throw new OperationError("invalid", "invalid specification: destination can't be '/'");
    if (seen.has(path)) throw new OperationError("invalid", `Duplicate mount point: ${destination}`);
    seen.add(path);
  }
}

/** @see moby oci/defaults.go. */
function defaultMounts({ hostConfig, hasWritableCgroups, sharedMemoryPath }: MountRequest): readonly OciMount[] {
  const { privileged, ipcMode, shmSizeBytes } = hostConfig;
  // The host's stays as it is.
  const sharedFlags = ipcMode === "host" ? [] : ["nosuid", "noexec", "nodev"];
  const sharedMemory = ipcMode === "host" ? "/dev/shm" : sharedMemoryPath;
  const sysAccess = privileged ? "rw" : "ro";
  const cgroupAccess = privileged || hasWritableCgroups ? "rw" : "ro";
  const shm: OciMount = {
    destination: "/dev/shm",
    type: "tmpfs",
    source: "shm",
    options: ["nosuid", "noexec", "nodev", "mode=1777", `size=${shmSizeBytes > 0 ? shmSizeBytes : SHM_BYTES}`],
  };
  return [
    { destination: "/proc", type: "proc", source: "proc", options: ["nosuid", "noexec", "nodev"] },
    { destination: "/dev", type: "tmpfs", source: "tmpfs", options: ["nosuid", "strictatime", "mode=755", "size=65536k"] },
    {
      destination: "/dev/pts",
      type: "devpts",
      source: "devpts",
      options: ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"],
    },
    { destination: "/sys", type: "sysfs", source: "sysfs", options: ["nosuid", "noexec", "nodev", sysAccess] },
    {
      destination: "/sys/fs/cgroup",
      type: "cgroup",
      source: "cgroup",
      options: ["nosuid", "noexec", "nodev", cgroupAccess],
    },
    // Of the IPC namespace that it is in, the host's or another's.
    { destination: "/dev/mqueue", type: "mqueue", source: "mqueue", options: ["nosuid", "noexec", "nodev"] },
    ...(sharedMemory !== undefined
      ? [
          {
            destination: "/dev/shm",
            type: "bind",
            source: sharedMemory,
            options: ["rbind", "rprivate", ...sharedFlags],
          },
        ]
      : ipcMode === "none"
        ? []
        : [shm]),
  ];
}

const PROPAGATIONS = ["private", "rprivate", "shared", "rshared", "slave", "rslave"];

function toBind(mount: SpecMount, { canReadOnlyRecursive }: MountRequest): OciMount {
  const { source, destination, isWritable, propagation = "", isNonRecursive = false, isReadOnlyRecursive, options = [] } = mount;
  // crun takes the "r" of a propagation for one of the bind: nothing is mounted below one that is not recursive, so it changes nothing else.
  const asked = propagation === "" ? "rprivate" : propagation;
  const mode = isNonRecursive ? asked.replace(/^r/, "") : asked;
  if (!PROPAGATIONS.includes(asked)) throw new OperationError("invalid", `invalid propagation mode: ${propagation}`);
  if (isReadOnlyRecursive === true && !canReadOnlyRecursive) {
    throw new OperationError("invalid", `recursive read-only mount of ${destination} is not supported by this kernel`);
  }
  const readOnly = (isReadOnlyRecursive ?? canReadOnlyRecursive) && !isNonRecursive ? ["ro", "rro"] : ["ro"];
  return {
    destination,
    type: "bind",
    source,
    options: [isNonRecursive ? "bind" : "rbind", ...(isWritable ? ["rw"] : readOnly), mode, ...options],
  };
}

/** A bind that shares needs a root that is shared, one that follows needs at least a slave: the runtime's default is private to both. */
function strongest(mounts: readonly SpecMount[]): string | undefined {
  const modes = new Set(mounts.map(({ propagation = "" }) => propagation.replace(/^r/, "")));
  if (modes.has("shared")) return "shared";
  return modes.has("slave") ? "rslave" : undefined;
}

const TMPFS_DEFAULTS = ["noexec", "nosuid", "nodev"];

function planTmpfs({ tmpfs, mounts }: MountRequest["hostConfig"]): readonly OciMount[] {
  const byFlag = Object.entries(tmpfs).map(([destination, options]) =>
    toTmpfs(destination, options === "" ? [] : options.split(",")),
  );
  const byMount = mounts
    .filter(({ type }) => type === "tmpfs")
    .map(mount => {
      const { sizeBytes, mode, options = [] } = mount.tmpfs ?? {};
      return toTmpfs(mount.target, [
        ...(mount.readOnly === true ? ["ro"] : []),
        ...(sizeBytes === undefined || sizeBytes === 0 ? [] : [`size=${sizeBytes}`]),
        ...(mode === undefined || mode === 0 ? [] : [`mode=${mode.toString(8)}`]),
        ...options.map(option => option.join("=")),
      ]);
    });
  return [...byFlag, ...byMount];
}

const TMPFS_OPTION =
  /^(ro|rw|exec|noexec|suid|nosuid|dev|nodev|sync|async|dirsync|remount|mand|nomand|atime|noatime|diratime|nodiratime|relatime|norelatime|strictatime|nostrictatime|bind|rbind|unbindable|runbindable|private|rprivate|shared|rshared|slave|rslave|defaults|(size|mode|uid|gid|nr_inodes|nr_blocks|mpol)=.+)$/;

/** What is asked for wins over its opposite among the defaults. */
function toTmpfs(destination: string, options: readonly string[]): OciMount {
  for (const option of options) {
    if (!TMPFS_OPTION.test(option)) throw new OperationError("invalid", `invalid tmpfs option "${option}"`);
  }
  const kept = TMPFS_DEFAULTS.filter(option => !options.includes(option.slice("no".length)) && !options.includes(option));
  return { destination, type: "tmpfs", source: "tmpfs", options: [...kept, ...options.filter(option => option !== "defaults")] };
}
