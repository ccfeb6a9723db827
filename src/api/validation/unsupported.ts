import type { HostConfig } from "../../model/container.ts";
import { refuseIf } from "./refuse.ts";

/** What Docker has and this engine has not yet: asked for, it is refused, never passed over. */
const UNSUPPORTED: readonly { readonly what: string; readonly isAsked: (config: HostConfig) => boolean }[] = [
  { what: "--gpus and device requests (HostConfig.DeviceRequests)", isAsked: ({ deviceRequests }) => deviceRequests.length > 0 },
  { what: "--userns (HostConfig.UsernsMode)", isAsked: ({ usernsMode }) => usernsMode !== "" && usernsMode !== "host" },
  { what: "--storage-opt (HostConfig.StorageOpt)", isAsked: ({ storageOpt }) => Object.keys(storageOpt).length > 0 },
  { what: "HostConfig.Cgroup", isAsked: ({ cgroup }) => cgroup !== "" },
  {
    what: "--volume-driver (HostConfig.VolumeDriver)",
    isAsked: ({ volumeDriver }) => volumeDriver !== "" && volumeDriver !== "local",
  },
  { what: "mounts of type cluster", isAsked: ({ mounts }) => mounts.some(({ type }) => type === "cluster") },
  { what: "mounts of type image", isAsked: ({ mounts }) => mounts.some(({ type }) => type === "image") },
];

/** @throws OperationError `invalid`. */
export function refuseUnsupported(config: HostConfig): void {
  for (const { what, isAsked } of UNSUPPORTED) refuseIf(isAsked(config), `${what} is not supported by this engine`);
}
