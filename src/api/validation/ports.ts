import { isIP } from "node:net";
import type { ContainerConfig, HostConfig } from "../../model/container.ts";
import { refuseIf } from "./refuse.ts";

const PORT_MAX = 65_535;

/** Exposed and published ports. @throws OperationError `invalid`. */
export function checkPorts({ exposedPorts }: ContainerConfig, { portBindings }: HostConfig): void {
  for (const port of [...exposedPorts, ...Object.keys(portBindings)]) checkContainerPort(port);
  for (const { hostIp, hostPort } of Object.values(portBindings).flat()) {
    refuseIf(hostIp !== "" && isIP(hostIp) === 0, `invalid IP address: ${hostIp}`);
    refuseIf(hostPort !== "" && !isPortRange(hostPort), `invalid port specification: ${JSON.stringify(hostPort)}`);
  }
}

function checkContainerPort(port: string): void {
  const [numbers = "", protocol = "tcp"] = port.split("/");
  refuseIf(!isPortRange(numbers), `invalid port specification: ${JSON.stringify(numbers)}`);
  refuseIf(!["tcp", "udp", "sctp"].includes(protocol.toLowerCase()), `invalid proto: ${protocol}`);
}

function isPortRange(value: string): boolean {
  const found = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(value);
  if (found === null) return false;
  const first = Number(found[1]);
  const last = Number(found[2] ?? found[1]);
  return first <= last && last <= PORT_MAX;
}
