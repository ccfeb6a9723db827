import { FlagValueError } from "../command/command.ts";
import type { Json } from "../context.ts";
import { parseSize } from "../format/units.ts";
import { parseDevice } from "./container-values.ts";
import { withPath } from "./with-path.ts";

type Value = string | boolean | readonly string[];
type Change = (spec: Json, value: Value) => Json;

const PATH = ["TaskTemplate", "ContainerSpec", "HostConfig"];
/** `vendor.com/class=name`: a device of the container device interface. */
const CDI_NAME = /^[a-zA-Z][\w.-]*\/[\w.-]+=\S+$/;

/** Beyond Docker: flags of `docker run` that a service of Docker's lacks. Each says the whole of it, in an update too. */
export const HOST_OPTION_CHANGES: Readonly<Record<string, Change>> = {
  privileged: (spec, value) => withPath(spec, [...PATH, "Privileged"], value === true),
  device: (spec, value) => {
    const given = many(value);
    const names = given.filter(item => CDI_NAME.test(item));
    const Devices = given.filter(item => item !== "" && !CDI_NAME.test(item)).map(parseDevice);
    const request = { Driver: "cdi", Count: 0, DeviceIDs: names, Capabilities: null, Options: null };
    const changed = withPath(spec, [...PATH, "Devices"], Devices);
    return withPath(changed, [...PATH, "DeviceRequests"], names.length === 0 ? [] : [request]);
  },
  deviceCgroupRule: (spec, value) => withPath(spec, [...PATH, "DeviceCgroupRules"], many(value)),
  shmSize: (spec, value) => withPath(spec, [...PATH, "ShmSize"], bytes("shm-size", value)),
  cpuShares: (spec, value) => withPath(spec, [...PATH, "CpuShares"], count("cpu-shares", value)),
  ...words({
    ipc: "IpcMode",
    pid: "PidMode",
    uts: "UTSMode",
    cgroupns: "CgroupnsMode",
    runtime: "Runtime",
    cpusetCpus: "CpusetCpus",
    cpusetMems: "CpusetMems",
  }),
};

export const HOST_OPTION_VALUES = [
  ...["shm-size", "cpu-shares", "ipc", "pid", "uts", "cgroupns", "runtime", "cpuset-cpus", "cpuset-mems"],
] as const;
export const HOST_OPTION_LISTS = ["device", "device-cgroup-rule"] as const;

function words(fields: Readonly<Record<string, string>>): Readonly<Record<string, Change>> {
  const changes = Object.entries(fields).map(([flag, name]): [string, Change] => [
    flag,
    (spec, value) => withPath(spec, [...PATH, name], String(value)),
  ]);
  return Object.fromEntries(changes);
}

function many(value: Value): readonly string[] {
  return typeof value === "object" ? value : [String(value)];
}

function bytes(flag: string, value: Value): number {
  const parsed = parseSize(String(value));
  if (parsed === undefined) throw new FlagValueError(flag, String(value), `invalid size: '${String(value)}'`);
  return parsed;
}

function count(flag: string, value: Value): number {
  if (!/^\d+$/.test(String(value)))
    throw new FlagValueError(flag, String(value), `strconv.ParseInt: parsing "${String(value)}": invalid syntax`);
  return Number(value);
}
