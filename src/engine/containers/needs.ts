import type { Container, CreateContainerRequest, EndpointConfig, NetworkState } from "../../model/container.ts";
import type { ContainerId, ImageId } from "../../model/ids.ts";
import type { Image } from "../../model/image.ts";
import type { RecordChange } from "../state/database.ts";
import type { Volume } from "../../model/engine-network.ts";

/** What containers need of images. */
export interface ContainerImages {
  /** By name, id or prefix of an id. @throws OperationError `not-found`: `No such image: busybox:latest`. */
  get(reference: string): Image;
  /**
   * Makes the container's writable layer over the image's; kept until `removeRootfs`. `isBare`: the image's files alone.
   * @returns what is to be written with the container's record: without it the next start takes the layer away.
   */
  createRootfs(containerId: ContainerId, imageId: ImageId | "", options?: { readonly isBare?: true }): Promise<RecordChange>;
  /** What is to be written when the container's record goes. */
  removalOfRootfs(containerId: ContainerId): RecordChange;
  /** Mounts it off the main thread; twice is safe. `isVolatile`: it never has to survive a crash (`--rm`). @returns the path. */
  mountRootfs(containerId: ContainerId, options: { readonly isVolatile: boolean }): Promise<string>;
  unmountRootfs(containerId: ContainerId): Promise<void>;
  removeRootfs(containerId: ContainerId): Promise<void>;
  /** Where `mountRootfs` mounts it. */
  rootfsPath(containerId: ContainerId): string;
  /** The writable layer, for diff and size. */
  upperPath(containerId: ContainerId): string;
}

/** What containers need of networks. Addresses, names and published ports are settled at `connect`, not at create. */
export interface ContainerNetworks {
  /**
   * Changes nothing. A network that is not there is refused by `connect` alone, unless `mustExist`.
   * @throws OperationError `not-found`: `network foo not found`; `invalid` for settings that no network could honour.
   */
  validate(request: CreateContainerRequest, options?: { readonly mustExist: boolean }): void;
  /** Makes the container's network namespace with its endpoints, published ports, hosts and resolv.conf content and name server. Undone whole when it, or `isUp`, fails. */
  connect(container: Container, options?: ConnectOptions): Promise<Sandbox>;
  /** Twice is safe, and so is a container that never had one. */
  release(containerId: ContainerId): Promise<void>;
  /** Whether it runs on a cluster's network without being a task: the managers are told when it is released. */
  holdsClusterPlace(containerId: ContainerId): boolean;
  /** After a start of the daemon: takes up the sandboxes of these containers and takes down all others. */
  restore(containers: readonly Container[]): Promise<ReadonlyMap<ContainerId, NetworkState>>;
  /** `network connect` on a running container. */
  attach(container: Container, network: string, endpoint: EndpointConfig): Promise<NetworkState>;
  detach(container: Container, network: string): Promise<NetworkState>;
  /** Whether a network, by what the user calls it, is or may be one of a cluster: what a container may do there is known when it starts. */
  mayBeOfCluster(network: string): boolean;
  /** A container that has a new name. @returns its state where it has a network of its own. */
  takeNewName(container: Container): Promise<NetworkState | undefined>;
}

export interface ConnectOptions {
  /** Of a container whose namespaces it shares: its network has to be owned by the same. */
  readonly joinedUserNamespace?: string;
}

export interface Sandbox {
  /** A file to `setns` to; `undefined`: the host's own network, or another container's (then the OCI spec is told by `joinPid`). */
  readonly namespacePath: string | undefined;
  /** The user namespace that owns it; missing: the host's, or the one that is joined. */
  readonly userNamespacePath?: string;
  readonly state: NetworkState;
  /** Content of /etc/hosts and /etc/resolv.conf in the container. */
  readonly hosts: string;
  readonly resolvConf: string;
  /** Interfaces, rules and name server are made beside, until this resolves: before, the container may be made, but its process not run. */
  readonly isUp: Promise<void>;
}

/** What containers need of volumes. */
export interface ContainerVolumes {
  /** Makes it when missing. Name "" makes an anonymous one. */
  ensure(request: {
    readonly name: string;
    /** The one to make up for an anonymous one, so that it is known before it is made. */
    readonly anonymousName?: string;
    readonly driver: string;
    readonly options: Readonly<Record<string, string>>;
    readonly labels: Readonly<Record<string, string>>;
  }): Promise<Volume>;
  use(name: string, containerId: ContainerId): void;
  release(name: string, containerId: ContainerId): void;
  /** Mounts its device, where it has one, for a container that starts. */
  mount(name: string, containerId: ContainerId): Promise<void>;
  /** When the container has ended; twice is safe. */
  unmount(name: string, containerId: ContainerId): Promise<void>;
  /** Unmounts what is mounted for no container of which this process knows. */
  unmountUnused(): Promise<void>;
  remove(name: string, options: { readonly force: boolean }): Promise<void>;
}
