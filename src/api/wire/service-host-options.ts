import { OperationError } from "../../lib/errors.ts";
import type { ServiceHostOptions } from "../../model/service-host-options.ts";
import type { Codec } from "./codec.ts";
import { isRecord, omitEmpty, struct } from "./codec.ts";
import { device, deviceRequest } from "./host-config.ts";
import { flag, int64, list, text, texts, unlessZero } from "./scalars.ts";

const some = <T>(codec: Codec<T>): Codec<T | undefined> => unlessZero(codec);

const options = struct<ServiceHostOptions>("swarm.HostConfig", {
  privileged: omitEmpty("Privileged", some(flag)),
  devices: omitEmpty("Devices", some(list(device))),
  deviceCgroupRules: omitEmpty("DeviceCgroupRules", some(texts)),
  deviceRequests: omitEmpty("DeviceRequests", some(list(deviceRequest))),
  shmSizeBytes: omitEmpty("ShmSize", some(int64)),
  ipcMode: omitEmpty("IpcMode", some(text)),
  pidMode: omitEmpty("PidMode", some(text)),
  utsMode: omitEmpty("UTSMode", some(text)),
  cgroupnsMode: omitEmpty("CgroupnsMode", some(text)),
  runtime: omitEmpty("Runtime", some(text)),
  cpuShares: omitEmpty("CpuShares", some(int64)),
  cpusetCpus: omitEmpty("CpusetCpus", some(text)),
  cpusetMems: omitEmpty("CpusetMems", some(text)),
});
export const hostOptionFields = options.fields;
const KNOWN = new Set(Object.values(hostOptionFields).map(({ wire }) => wire.toLowerCase()));

/** Beyond Docker: `ContainerSpec.HostConfig`. What else a host config has is refused, not passed over. */
export const serviceHostOptions: Codec<ServiceHostOptions> = {
  ...options,
  read(value, at) {
    const unknown = Object.keys(isRecord(value) ? value : {}).find(key => !KNOWN.has(key.toLowerCase()));
    if (unknown !== undefined)
      throw new OperationError("invalid", `ContainerSpec.HostConfig.${unknown} is not a service's to set`);
    return options.read(value, at);
  },
};
