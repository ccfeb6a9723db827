import { isIP } from "node:net";
import type { ContainerConfig, HostConfig } from "../../model/container.ts";
import { refuseIf } from "./refuse.ts";

/** Namespaces that a container may share, and what then cannot be asked for beside it. */
export function checkModes(config: ContainerConfig, host: HostConfig): void {
  const { ipcMode, pidMode, utsMode, cgroupnsMode, networkMode, isolation, usernsMode } = host;
  const isContainer = (mode: string) => /^container:.+$/.test(mode);
  const known = (mode: string, ...modes: readonly string[]) => mode === "" || modes.includes(mode);
  refuseIf(!known(ipcMode, "none", "private", "shareable", "host") && !isContainer(ipcMode), `invalid IPC mode: ${ipcMode}`);
  refuseIf(!known(pidMode, "host") && !isContainer(pidMode), `invalid PID mode: ${pidMode}`);
  refuseIf(!known(utsMode, "host"), `invalid UTS mode: ${utsMode}`);
  refuseIf(!known(usernsMode, "host"), `invalid user namespace mode: ${usernsMode}`);
  refuseIf(!known(cgroupnsMode, "private", "host"), `invalid cgroup namespace mode: ${cgroupnsMode}`);
  refuseIf(!known(isolation, "default"), `invalid isolation (${isolation}): linux only supports 'default'`);
  refuseIf(utsMode === "host" && config.hostname !== "", "conflicting options: hostname and the UTS mode");
  refuseIf(networkMode === "container:", "invalid network mode: invalid container format container:<name|id>");
  const isLinkedHost = networkMode === "host" && host.links.length > 0;
  refuseIf(
    isLinkedHost,
    "conflicting options: host type networking can't be used with links. This would result in undefined behavior",
  );
  if (isContainer(networkMode)) checkSharedNetwork(config, host);
}

function checkSharedNetwork(config: ContainerConfig, host: HostConfig): void {
  const clash = (what: string) => `conflicting options: ${what} and the network mode`;
  refuseIf(config.hostname !== "", clash("hostname"));
  refuseIf(
    host.links.length > 0,
    "conflicting options: container type network can't be used with links. This would result in undefined behavior",
  );
  refuseIf(host.dns.length > 0, clash("dns"));
  refuseIf(host.extraHosts.length > 0, clash("custom host-to-IP mapping"));
  const publishes = Object.keys(host.portBindings).length > 0 || host.publishAllPorts;
  refuseIf(publishes, "conflicting options: port publishing and the container type network mode");
  refuseIf(config.exposedPorts.length > 0, "conflicting options: port exposing and the container type network mode");
}

export function checkExtraHosts(extraHosts: readonly string[]): void {
  for (const entry of extraHosts) {
    const found = /^([^:=]+)[:=](.+)$/.exec(entry);
    refuseIf(found === null, `bad format for add-host: ${JSON.stringify(entry)}`);
    const address = (found?.[2] ?? "").replace(/^\[(.*)\]$/, "$1");
    refuseIf(address !== "host-gateway" && isIP(address) === 0, `invalid IP address in add-host: ${JSON.stringify(address)}`);
  }
}

export function checkDns({ dns }: HostConfig): void {
  for (const server of dns) refuseIf(isIP(server) === 0, `invalid DNS server address: ${JSON.stringify(server)}`);
}

const CAPABILITY_WORDS =
  "AUDIT_CONTROL AUDIT_READ AUDIT_WRITE BLOCK_SUSPEND BPF CHECKPOINT_RESTORE CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID IPC_LOCK IPC_OWNER KILL LEASE LINUX_IMMUTABLE MAC_ADMIN MAC_OVERRIDE MKNOD NET_ADMIN NET_BIND_SERVICE NET_BROADCAST NET_RAW PERFMON SETFCAP SETGID SETPCAP SETUID SYSLOG SYS_ADMIN SYS_BOOT SYS_CHROOT SYS_MODULE SYS_NICE SYS_PACCT SYS_PTRACE SYS_RAWIO SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG WAKE_ALARM ALL";
const CAPABILITIES = new Set(CAPABILITY_WORDS.split(" "));

export function checkCapabilities({
  capAdd,
  capDrop,
}: {
  readonly capAdd: readonly string[];
  readonly capDrop: readonly string[];
}): void {
  for (const [field, capabilities] of [["CapAdd", capAdd] as const, ["CapDrop", capDrop] as const]) {
    for (const capability of capabilities) {
      const name = capability.toUpperCase().replace(/^CAP_/, "");
      refuseIf(!CAPABILITIES.has(name), `invalid ${field}: unknown capability: "CAP_${name}"`);
    }
  }
}
