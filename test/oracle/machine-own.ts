/** What an engine is made of, where it tells so. */
export interface MachineOwn {
  /** Of containers that name no other. */
  readonly defaultRuntime: string;
}

/** A field in which every engine tells of itself: process ids, paths, times, versions. What it is becomes a label, that it is stays compared. */
export interface FieldRule {
  readonly name: string;
  readonly because: string;
  /** Matches the way to it through the JSON. */
  readonly where: RegExp;
  readonly show: (value: unknown, own: MachineOwn) => unknown;
}

const positive =
  (label: string) =>
  (value: unknown): unknown =>
    typeof value === "number" && value > 0 ? label : value;
const filled =
  (label: string) =>
  (value: unknown): unknown =>
    typeof value === "string" && value !== "" ? label : value;

export const FIELD_RULES: readonly FieldRule[] = [
  {
    name: "pid",
    because: "which number a process has is the kernel's",
    where: /\.State\.Pid$|\.ContainerStatus\.PID$/,
    show: positive("<pid>"),
  },
  {
    name: "layers",
    because: "where layers are in the data root",
    where: /\.GraphDriver\.Data\.\w+$/,
    show: filled("<path>"),
  },
  {
    name: "files",
    because: "where a container's files are in the data root, of which format its log is, and from when on that is told",
    where: /\.(?:ResolvConfPath|HostnamePath|HostsPath|LogPath)$/,
    show: value => (typeof value === "string" ? "<path>" : value),
  },
  {
    name: "sandbox",
    because: "where the network namespace is in the exec root",
    where: /\.SandboxKey$/,
    show: filled("<path>"),
  },
  {
    name: "default-runtime",
    because: "the program that starts containers where none is named: runc there, crun here",
    where: /\.HostConfig\.Runtime$/,
    show: (value, { defaultRuntime }) => (value === defaultRuntime ? "<default-runtime>" : value),
  },
  {
    name: "vxlan-id",
    because: "which numbers are free depends on the networks that there were",
    where: /\.com\.docker\.network\.driver\.overlay\.vxlanid_list$/,
    show: filled("<vxlan-id>"),
  },
  {
    name: "time-in-seconds",
    because: "when something was made",
    where: /\[\d+\]\.Created$/,
    show: positive("<seconds>"),
  },
  {
    name: "raft-index",
    because: "how many entries were in the log before is each implementation's own",
    where: /\.Version\.Index$/,
    show: positive("<index>"),
  },
  {
    name: "environment-order",
    because: "the client sends the variables of -e in the order of a Go map: another one each time",
    where: /\[\d+\]\.Config\.Env$/,
    show: value => (Array.isArray(value) ? value.map(String).sort((a, b) => (a < b ? -1 : 1)) : value),
  },
  {
    name: "engine-version",
    because: "two programs have two versions",
    where: /\.EngineVersion$/,
    show: filled("<version>"),
  },
];

export function withoutOwn(where: string, value: unknown, own: MachineOwn): unknown {
  return FIELD_RULES.reduce((current, { where: place, show }) => (place.test(where) ? show(current, own) : current), value);
}
