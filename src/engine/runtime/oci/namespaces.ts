import { OperationError } from "../../../lib/errors.ts";
import type { HostConfig } from "../../../model/container.ts";
import type { OciNamespace } from "./types.ts";
import { planUserNamespace, type UserNamespaceRequest } from "./user-namespace.ts";

/** Processes of containers whose namespaces are joined; each is there when its mode is `container:X`. */
export interface JoinedPids {
  readonly pid?: number;
  readonly ipc?: number;
  readonly network?: number;
}

export interface NamespaceRequest {
  readonly hostConfig: Pick<
    HostConfig,
    "pidMode" | "ipcMode" | "utsMode" | "cgroupnsMode" | "usernsMode" | "networkMode" | "privileged"
  >;
  /** The sandbox's; missing with the host's network or another container's. */
  readonly networkNamespacePath?: string;
  readonly joined: JoinedPids;
  readonly cgroupVersion: 1 | 2;
  /** Missing: the host's. */
  readonly user?: Omit<UserNamespaceRequest, "joined">;
}

const isContainerMode = (mode: string): boolean => mode.startsWith("container:");

export const isHostNetwork = ({ networkMode }: Pick<HostConfig, "networkMode">): boolean => networkMode === "host";

/** Own namespace unless the mode says otherwise; a namespace of the host is one that is not listed. */
export function planNamespaces(request: NamespaceRequest): readonly OciNamespace[] {
  const { hostConfig, joined, cgroupVersion, user } = request;
  checkModes(hostConfig);
  return [
    ...(user === undefined ? [] : planUserNamespace({ ...user, joined })),
    { type: "mount" },
    ...networkNamespace(request),
    ...(hostConfig.utsMode === "host" ? [] : [{ type: "uts" } as const]),
    ...sharedNamespace("pid", { mode: hostConfig.pidMode, pid: joined.pid }),
    ...sharedNamespace("ipc", { mode: hostConfig.ipcMode, pid: joined.ipc }),
    ...(cgroupNamespaceMode(hostConfig, cgroupVersion) === "host" ? [] : [{ type: "cgroup" } as const]),
  ];
}

/** Unset is what dockerd's `--default-cgroupns-mode` is: private on v2, the host's on v1, and the host's for a privileged container on v1. */
export function cgroupNamespaceMode(
  { cgroupnsMode }: Pick<HostConfig, "cgroupnsMode">,
  cgroupVersion: 1 | 2,
): "host" | "private" {
  if (cgroupnsMode === "host" || cgroupnsMode === "private") return cgroupnsMode;
  return cgroupVersion === 2 ? "private" : "host";
}

function networkNamespace({ hostConfig, networkNamespacePath, joined }: NamespaceRequest): readonly OciNamespace[] {
  if (isHostNetwork(hostConfig)) return [];
  if (isContainerMode(hostConfig.networkMode)) return [{ type: "network", path: namespacePathOf("net", joined.network) }];
  return [networkNamespacePath === undefined ? { type: "network" } : { type: "network", path: networkNamespacePath }];
}

function sharedNamespace(
  type: "pid" | "ipc",
  { mode, pid }: { readonly mode: string; readonly pid: number | undefined },
): readonly OciNamespace[] {
  if (mode === "host") return [];
  return [isContainerMode(mode) ? { type, path: namespacePathOf(type, pid) } : { type }];
}

function namespacePathOf(name: "pid" | "ipc" | "net", pid: number | undefined): string {
  if (pid === undefined)
    throw new OperationError("conflict", `cannot join the ${name} namespace of a container that is not running`);
  return `/proc/${pid}/ns/${name}`;
}

const MODES = {
  PID: ["", "host", "private"],
  IPC: ["", "none", "private", "shareable", "host"],
  UTS: ["", "host", "private"],
  "cgroup namespace": ["", "host", "private"],
  userns: ["", "host"],
} as const;

function checkModes(hostConfig: NamespaceRequest["hostConfig"]): void {
  const { pidMode, ipcMode, utsMode, cgroupnsMode, usernsMode } = hostConfig;
  const given = { PID: pidMode, IPC: ipcMode, UTS: utsMode, "cgroup namespace": cgroupnsMode, userns: usernsMode };
  for (const [kind, known] of Object.entries(MODES)) {
    const mode = given[kind as keyof typeof MODES];
    const mayJoin = (kind === "PID" || kind === "IPC") && isContainerMode(mode) && mode.length > "container:".length;
    if (!mayJoin && !(known as readonly string[]).includes(mode))
      throw new OperationError("invalid", `invalid ${kind} mode: ${mode}`);
  }
}
