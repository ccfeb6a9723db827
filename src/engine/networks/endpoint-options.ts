import { OperationError } from "../../lib/errors.ts";
import type { EndpointConfig } from "../../model/container.ts";

/** What the interface is called inside the container. */
const NAME = "com.docker.network.endpoint.ifname";
/** Settings of this interface alone, with IFNAME where its name goes: `net.ipv4.conf.IFNAME.log_martians=1,…`. */
const SYSCTLS = "com.docker.network.endpoint.sysctls";

/** What begins so is meant for a network driver; anything else is a note of the client's own, kept and shown. */
const DRIVERS_OWN = "com.docker.network.";

const NAME_CHARACTERS_MAX = 15;

/** @returns what is wrong with the options of an endpoint, in Docker's words where it has some. */
export function driverOptionProblems({ driverOptions = {} }: EndpointConfig): readonly string[] {
  const unknown = Object.keys(driverOptions).filter(name => name.startsWith(DRIVERS_OWN) && name !== NAME && name !== SYSCTLS);
  const name = driverOptions[NAME];
  const isName = name === undefined || (/^[^\s/:]+$/.test(name) && name.length <= NAME_CHARACTERS_MAX && !/^\.{1,2}$/.test(name));
  return [
    ...unknown.map(option => `driver option ${JSON.stringify(option)} is not supported by this engine`),
    ...(isName ? [] : [`invalid interface name ${JSON.stringify(name)}`]),
    ...assignmentsOf(driverOptions[SYSCTLS]).flatMap(assignment =>
      parseAssignment(assignment) === undefined
        ? [
            `unrecognised network interface sysctl '${assignment}'; represent 'net.X.Y.ethN.Z=V' as 'net.X.Y.IFNAME.Z=V', 'X' must be 'ipv4', 'ipv6' or 'mpls'`,
          ]
        : [],
    ),
  ];
}

/**
 * @param taken - Names of the container's other interfaces.
 * @throws OperationError `invalid` for a name that one of them has.
 */
export function interfaceNameOf({ driverOptions = {} }: EndpointConfig, taken: ReadonlySet<string>): string | undefined {
  const name = driverOptions[NAME];
  if (name !== undefined && (taken.has(name) || name === "lo")) {
    throw new OperationError("invalid", `interface name ${JSON.stringify(name)} is already in use in the container`);
  }
  return name;
}

export interface InterfaceSysctl {
  /** With slashes: `net/ipv4/conf/eth0/log_martians`. */
  readonly name: string;
  readonly value: string;
}

export function interfaceSysctlsOf({ driverOptions = {} }: EndpointConfig, interfaceName: string): readonly InterfaceSysctl[] {
  return assignmentsOf(driverOptions[SYSCTLS]).flatMap(assignment => {
    const parsed = parseAssignment(assignment);
    if (parsed === undefined) return [];
    return { name: `net/${parsed.family}/${parsed.group}/${interfaceName}/${parsed.setting}`, value: parsed.value };
  });
}

function assignmentsOf(text: string | undefined): readonly string[] {
  return text === undefined || text === "" ? [] : text.split(",");
}

/** The docker CLI writes options in lower case. A setting's own dots are folders, as in sysctl(8); one that leads out of them is none. */
function parseAssignment(assignment: string) {
  const [, family, group, setting, value] =
    /^net\.(ipv4|ipv6|mpls)\.([a-z0-9_]+)\.ifname\.([a-z0-9_]+(?:\.[a-z0-9_]+)*)=(.*)$/i.exec(assignment) ?? [];
  if (family === undefined || group === undefined || setting === undefined || value === undefined) return undefined;
  return { family, group, setting: setting.replaceAll(".", "/"), value };
}
