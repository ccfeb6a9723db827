import { posix } from "node:path";
import { OperationError } from "../../../lib/errors.ts";
import type { HostConfig } from "../../../model/container.ts";
import type { DeviceNode } from "./facts.ts";
import type { OciDevice, OciDeviceRule } from "./types.ts";

/** What every container may use: null, zero, random, urandom, tty, console, and tun, which runc allows too; fuse is refused even where a parent allows it. */
const DEFAULT_RULES: readonly OciDeviceRule[] = [
  { allow: false, access: "rwm" },
  { allow: true, type: "c", major: 1, minor: 5, access: "rwm" },
  { allow: true, type: "c", major: 1, minor: 3, access: "rwm" },
  { allow: true, type: "c", major: 1, minor: 9, access: "rwm" },
  { allow: true, type: "c", major: 1, minor: 8, access: "rwm" },
  { allow: true, type: "c", major: 5, minor: 0, access: "rwm" },
  { allow: true, type: "c", major: 5, minor: 1, access: "rwm" },
  // The tun device, as runc: of no use without CAP_NET_ADMIN.
  { allow: true, type: "c", major: 10, minor: 200, access: "rwm" },
  { allow: false, type: "c", major: 10, minor: 229, access: "rwm" },
];

export interface DevicePlan {
  readonly devices: readonly OciDevice[];
  readonly rules: readonly OciDeviceRule[];
}

export interface DeviceRequest {
  readonly hostConfig: Pick<HostConfig, "devices" | "deviceCgroupRules" | "privileged">;
  /** The host's files at or below each `pathOnHost`; for a privileged container, all under /dev. */
  readonly nodes: readonly DeviceNode[];
}

/** @throws OperationError `invalid` with Docker's wording for a device that is not there or a rule that is none. */
export function planDevices({ hostConfig, nodes }: DeviceRequest): DevicePlan {
  const rules = hostConfig.deviceCgroupRules.map(parseDeviceRule);
  if (hostConfig.privileged) {
    const mapped = hostConfig.devices.flatMap(device =>
      device.pathInContainer === device.pathOnHost ? [] : mapDevice(device, nodes),
    );
    return {
      devices: [...nodes.map(node => toDevice(node, node.path)), ...mapped.map(({ device }) => device)],
      rules: [{ allow: true, access: "rwm" }],
    };
  }
  const mapped = hostConfig.devices.flatMap(device => mapDevice(device, nodes));
  return {
    devices: mapped.map(({ device }) => device),
    rules: [...DEFAULT_RULES, ...mapped.map(({ rule }) => rule), ...rules],
  };
}

const PERMISSIONS = /^[rwm]{1,3}$/;

function mapDevice(
  { pathOnHost, pathInContainer, cgroupPermissions }: HostConfig["devices"][number],
  nodes: readonly DeviceNode[],
): readonly { readonly device: OciDevice; readonly rule: OciDeviceRule }[] {
  const access = cgroupPermissions === "" ? "rwm" : cgroupPermissions;
  if (!PERMISSIONS.test(access)) throw new OperationError("invalid", `invalid device mode: ${cgroupPermissions}`);
  const found = nodes.filter(({ path }) => path === pathOnHost || path.startsWith(`${pathOnHost}/`));
  if (found.length === 0) {
    throw new OperationError(
      "invalid",
      `error gathering device information while adding custom device "${pathOnHost}": no such file or directory`,
    );
  }
  const target = pathInContainer === "" ? pathOnHost : pathInContainer;
  return found.map(node => ({
    device: toDevice(node, posix.join(target, node.path.slice(pathOnHost.length))),
    rule: { allow: true, type: node.type, major: node.major, minor: node.minor, access },
  }));
}

function toDevice({ type, major, minor, mode, uid, gid }: DeviceNode, path: string): OciDevice {
  return { type, path: path.length > 1 && path.endsWith("/") ? path.slice(0, -1) : path, major, minor, fileMode: mode, uid, gid };
}

const RULE = /^([acb]) ([0-9]+|\*):([0-9]+|\*) ([rwm]{1,3})$/;

/** `c 42:* rmw`. */
export function parseDeviceRule(text: string): OciDeviceRule {
  const [, type, major, minor, access] = RULE.exec(text) ?? [];
  if (type === undefined || access === undefined)
    throw new OperationError("invalid", `invalid device cgroup rule format: '${text}'`);
  return {
    allow: true,
    type: type as "a" | "b" | "c",
    ...(major === "*" ? {} : { major: Number(major) }),
    ...(minor === "*" ? {} : { minor: Number(minor) }),
    access,
  };
}
