import { posix } from "node:path";
import type { OciMount, OciSpec } from "./types.ts";

/** The part of a container's configuration that says what is mounted where. */
export type MountedParts = Pick<OciSpec, "mounts"> & { readonly linux: Pick<OciSpec["linux"], "maskedPaths" | "readonlyPaths"> };

interface Mounted {
  readonly point: string;
  /** Of its file system, what is seen. */
  readonly root: string;
  readonly type: string;
  readonly isReadOnly: boolean;
}

/** What of /dev a program or the runtime itself relies on; /dev/shm is not among it, to which images have links. */
const DEVICES = [
  "/dev",
  "/dev/pts",
  "/dev/null",
  "/dev/zero",
  "/dev/full",
  "/dev/random",
  "/dev/urandom",
  "/dev/tty",
  "/dev/ptmx",
];
const CONSOLE = "/dev/console";
/** Their files are settings of the host's. */
const KERNEL_TYPES = ["proc", "sysfs", "debugfs", "tracefs", "securityfs", "bpf"];

/**
 * Looks for what a runtime was led to mount, or to hide, elsewhere than its configuration says: by a link in an image, or in a volume by
 * another container just then. Harm comes of it where the kernel shows itself: what is to be hidden or read-only no longer is, and what
 * is written for the kernel goes elsewhere.
 *
 * @param mountInfo - Text of /proc/PID/mountinfo, of a process that waits to be started.
 * @returns what is wrong, in runc's words where it has some; `undefined` where all is in its place.
 * @see CVE-2019-19921, CVE-2025-31133, CVE-2025-52565, CVE-2025-52881
 */
export function misplacedMount(mountInfo: string, spec: MountedParts): string | undefined {
  const left = pointsOf(spec);
  for (const mounted of parseMountInfo(mountInfo)) {
    const { point } = mounted;
    const isOf = (tree: string): boolean => point === tree || point.startsWith(`${tree}/`);
    if (!(isOf("/proc") || isOf("/sys") || DEVICES.includes(point) || point === CONSOLE) || isBelowBind(point, spec)) continue;
    const count = left.get(point) ?? 0;
    if (count === 0) return refusal(point);
    left.set(point, count - 1);
    if (!isAsMeant(mounted, spec)) return `"${point}" is not what it should be: another container may have changed it meanwhile`;
  }
  return undefined;
}

/** How many mounts there may be at each place. */
function pointsOf({ mounts, linux }: MountedParts): Map<string, number> {
  const points = new Map<string, number>();
  const places = [...mounts.map(({ destination }) => placeOf(destination)), ...linux.maskedPaths, ...linux.readonlyPaths];
  for (const point of [...places, CONSOLE]) points.set(point, (points.get(point) ?? 0) + 1);
  return points;
}

function placeOf(destination: string): string {
  return posix.resolve("/", destination);
}

/** What is mounted below a folder of the host's comes with it; below that of cgroups is one for each controller. */
function isBelowBind(point: string, { mounts }: MountedParts): boolean {
  const bringsMore = ({ type }: OciMount): boolean => type === "bind" || type === "cgroup";
  return mounts.some(mount => bringsMore(mount) && point.startsWith(`${placeOf(mount.destination)}/`));
}

function isAsMeant({ point, root, type, isReadOnly }: Mounted, { mounts, linux }: MountedParts): boolean {
  if (mounts.some(({ destination }) => placeOf(destination) === point)) return true; // As somebody asked.
  if (linux.readonlyPaths.includes(point) && !linux.maskedPaths.includes(point))
    return isReadOnly && root === `/${point.split("/").slice(2).join("/")}`;
  return !KERNEL_TYPES.includes(type);
}

function refusal(point: string): string {
  const tree = point.startsWith("/dev") ? "/dev" : point.startsWith("/sys") ? "/sys" : "/proc";
  return point === "/proc"
    ? `"${point}" cannot be mounted because it is not of type proc`
    : `"${point}" cannot be mounted because it is inside ${tree}`;
}

/** @see proc_pid_mountinfo(5). */
function parseMountInfo(text: string): readonly Mounted[] {
  return text
    .split("\n")
    .filter(line => line !== "")
    .map(line => {
      const fields = line.split(" ");
      const [, , , root = "", point = "", options = ""] = fields;
      const type = fields[fields.indexOf("-", 6) + 1] ?? "";
      return { point: unescaped(point), root: unescaped(root), type, isReadOnly: options.split(",").includes("ro") };
    });
}

function unescaped(path: string): string {
  return path.replaceAll(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}
