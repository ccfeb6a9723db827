import { OperationError } from "../../../lib/errors.ts";
import type { HostConfig } from "../../../model/container.ts";
import type { IdMap } from "../../../model/id-map.ts";

const IPC_SYSCTLS = [
  "kernel.msgmax",
  "kernel.msgmnb",
  "kernel.msgmni",
  "kernel.sem",
  "kernel.shmall",
  "kernel.shmmax",
  "kernel.shmmni",
  "kernel.shm_rmid_forced",
];

/** Ports below 1024 and ping need no capability in a network of the container's own. @see moby daemon/oci_linux.go. */
const PORTS = { "net.ipv4.ip_unprivileged_port_start": "0" } as const;
const PING = { "net.ipv4.ping_group_range": "0 2147483647" } as const;

/** @param idMap - Of a container in a user namespace. @throws OperationError `invalid` for a setting that is not the container's own: it would change the host. */
export function planSysctls(
  { sysctls, networkMode, ipcMode, utsMode }: Pick<HostConfig, "sysctls" | "networkMode" | "ipcMode" | "utsMode">,
  idMap?: IdMap,
): Readonly<Record<string, string>> {
  for (const name of Object.keys(sysctls)) {
    const isNetwork = name.startsWith("net.");
    const isIpc = IPC_SYSCTLS.includes(name) || name.startsWith("fs.mqueue.");
    const isUts = name === "kernel.domainname" || name === "kernel.hostname";
    const refuse = (namespace: string): never => {
      throw new OperationError("invalid", `sysctl "${name}" not allowed in host ${namespace} namespace`);
    };
    if (isNetwork && networkMode === "host") refuse("network");
    if (isIpc && ipcMode === "host") refuse("ipc");
    if (isUts && utsMode === "host") refuse("uts");
    if (!isNetwork && !isIpc && !isUts)
      throw new OperationError("invalid", `sysctl "${name}" is not in a separate kernel namespace`);
  }
  const isOwnNetwork = networkMode !== "host" && !networkMode.startsWith("container:");
  // A user namespace does not know all of these groups: the kernel would refuse the range.
  const ping = idMap === undefined ? PING : {};
  return { ...(isOwnNetwork ? { ...PORTS, ...ping } : {}), ...sysctls };
}
