import { container, managers, type ServiceFieldRow } from "./service-rows.ts";

/** A field that a service has here and not in Docker: no specification tells its type. */
export interface MoreServiceFieldRow extends ServiceFieldRow {
  readonly type: string;
}

const DEVICE = { PathOnHost: "/dev/null", PathInContainer: "/dev/other", CgroupPermissions: "rw" };
const REQUEST = { Driver: "cdi", Count: 0, DeviceIDs: ["vendor.com/class=name"], Capabilities: null, Options: null };

const hostConfig = (
  name: string,
  type: string,
  value: unknown,
  { at = "", is = value }: { readonly at?: string; readonly is?: unknown } = {},
) => {
  const field = at === "" ? `${name.slice(0, 1).toLowerCase()}${name.slice(1)}` : at;
  return { ...container(`HostConfig.${name}`, value, `hostConfig.${field}`, { is }), type };
};

/** In the order of the page. */
export const MORE_SERVICE_ROWS: readonly MoreServiceFieldRow[] = [
  hostConfig("Privileged", "boolean", true),
  hostConfig("Devices", "list of devices", [DEVICE], { at: "devices.0.pathInContainer", is: "/dev/other" }),
  hostConfig("DeviceCgroupRules", "list of string", ["c 1:3 rwm"]),
  hostConfig("DeviceRequests", "list of requests", [REQUEST], { at: "deviceRequests.0.deviceIds", is: REQUEST.DeviceIDs }),
  hostConfig("ShmSize", "integer", 2 ** 20, { at: "shmSizeBytes" }),
  hostConfig("IpcMode", "string", "host"),
  hostConfig("PidMode", "string", "host"),
  hostConfig("UTSMode", "string", "host", { at: "utsMode" }),
  hostConfig("CgroupnsMode", "string", "host"),
  hostConfig("Runtime", "string", "runc"),
  hostConfig("CpuShares", "integer", 512),
  hostConfig("CpusetCpus", "string", "0"),
  hostConfig("CpusetMems", "string", "0"),
  {
    ...managers(
      "TaskTemplate.Networks[].Addresses",
      ["10.0.9.20-10.0.9.29"],
      ["test/sim/cluster/slot-addresses.test.ts", "have them through restarts, scaling and a rolling update"],
      { "TaskTemplate.Networks[].Target": "backend" },
    ),
    type: "list of string",
  },
];
