import type { Container, ContainerConfig, ExecConfig, HostConfig } from "../../model/container.ts";
import type { Image } from "../../model/image.ts";
import type { MountPlan } from "./mount-plan.ts";

/** What containers need of the OCI runtime's configuration. */
export interface RuntimeSpecs {
  /** Settings that no start could honour. @returns warnings in Docker's words. @throws OperationError `invalid`. */
  check(request: { readonly config: ContainerConfig; readonly hostConfig: HostConfig }): readonly string[];
  /** The content of the bundle's config.json. @throws OperationError `invalid` in Docker's words, such as `unable to find user x: no matching entries in passwd file`. */
  container(request: SpecRequest): Promise<unknown>;
  /** The OCI process of an exec. */
  exec(request: ExecSpecRequest): Promise<unknown>;
  /** The OCI resources of a running container that is updated. */
  resources(hostConfig: HostConfig): unknown;
}

export interface SpecRequest {
  readonly container: Container;
  /** Missing when it was removed by force since. */
  readonly image: Image | undefined;
  readonly rootfsPath: string;
  readonly mounts: readonly MountPlan[];
  /** A file to `setns` to; `undefined`: the host's network, or that of `joined.network`. */
  readonly networkNamespacePath: string | undefined;
  /** Other containers whose namespaces it shares, by a process in them. */
  readonly joined: { readonly network?: number; readonly ipc?: number; readonly pid?: number };
}

export interface ExecSpecRequest {
  readonly container: Container;
  readonly config: ExecConfig;
  readonly rootfsPath: string;
}
