import type { HostConfig } from "./container.ts";

/** What `docker run` can ask of a host and Docker's services cannot, as in a container's host config. */
export type ServiceHostOptions = Partial<
  Pick<
    HostConfig,
    | "privileged"
    | "devices"
    | "deviceCgroupRules"
    | "deviceRequests"
    | "shmSizeBytes"
    | "ipcMode"
    | "pidMode"
    | "utsMode"
    | "cgroupnsMode"
    | "runtime"
    | "cpuShares"
    | "cpusetCpus"
    | "cpusetMems"
  >
>;
