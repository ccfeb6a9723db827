import type { Container, ContainerConfig, ExecConfig, HostConfig } from "../../model/container.ts";
import type { Image } from "../../model/image.ts";
import type { OciSpec } from "../runtime/oci/types.ts";
import type { MountPlan } from "./mount-plan.ts";

/** What containers need of the OCI runtime's configuration. */
export interface RuntimeSpecs {
  /** Settings that no start could honour. @throws OperationError `invalid`. */
  check(request: { readonly config: ContainerConfig; readonly hostConfig: HostConfig }): SettingsVerdict;
  /** The same of changes of limits, looked at alone. */
  checkUpdate(changes: Partial<HostConfig>): SettingsVerdict;
  /** The content of the bundle's config.json. @throws OperationError `invalid` in Docker's words, such as `unable to find user x: no matching entries in passwd file`. */
  container(request: SpecRequest): Promise<OciSpec>;
  /** The same for a bundle that any runtime can run, whose root is the folder `rootfs` in it. */
  portable(request: SpecRequest): Promise<unknown>;
  /** The OCI process of an exec. */
  exec(request: ExecSpecRequest): Promise<unknown>;
  /** The OCI resources of a running container that is updated. */
  resources(hostConfig: HostConfig): Promise<unknown>;
}

export interface SettingsVerdict {
  /** In Docker's words. */
  readonly warnings: readonly string[];
  /** Names of settings that the kernel cannot do: dropped with a warning. */
  readonly discarded: readonly (keyof HostConfig)[];
}

export interface SpecRequest {
  readonly container: Container;
  /** Missing when it was removed by force since. */
  readonly image: Image | undefined;
  readonly rootfsPath: string;
  readonly mounts: readonly MountPlan[];
  /** A file to `setns` to; `undefined`: the host's network, or that of `joined.network`. */
  readonly networkNamespacePath: string | undefined;
  /** The user namespace that owns it, where containers' ids are mapped. */
  readonly userNamespacePath?: string;
  /** Where its shared memory is on the host, when others may share it or it is another container's. */
  readonly sharedMemoryPath?: string;
  /** Other containers whose namespaces it shares, by a process in them. */
  readonly joined: { readonly network?: number; readonly ipc?: number; readonly pid?: number };
  /** What its links tell it of other containers. */
  readonly linkedEnv?: readonly string[];
}

export interface ExecSpecRequest {
  readonly container: Container;
  readonly config: ExecConfig;
  readonly rootfsPath: string;
  readonly linkedEnv?: readonly string[];
}
