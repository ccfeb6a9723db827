import type { ContainerNetworks, Sandbox } from "../../../../src/engine/containers/needs.ts";
import { OperationError } from "../../../../src/lib/errors.ts";
import type { Container, CreateContainerRequest, NetworkState } from "../../../../src/model/container.ts";
import { type ContainerId } from "../../../../src/model/ids.ts";

/** Networks that only keep count. */
export class FakeNetworks implements ContainerNetworks {
  readonly connected = new Set<ContainerId>();
  restored: readonly ContainerId[] = [];
  failConnect = false;

  validate(request: CreateContainerRequest): void {
    if (request.hostConfig.networkMode === "nowhere") throw new OperationError("not-found", "network nowhere not found");
  }

  async connect(container: Container): Promise<Sandbox> {
    if (this.failConnect) throw new OperationError("conflict", "port is already allocated");
    this.connected.add(container.id);
    return {
      namespacePath: undefined,
      state: container.networks,
      isUp: Promise.resolve(),
      hosts: "127.0.0.1\tlocalhost\n",
      resolvConf: "nameserver 127.0.0.11\n",
    };
  }

  async release(id: ContainerId): Promise<void> {
    this.connected.delete(id);
  }

  holdsClusterPlace(): boolean {
    return false;
  }

  async restore(containers: readonly Container[]): Promise<ReadonlyMap<ContainerId, NetworkState>> {
    this.restored = containers.map(({ id }) => id);
    return new Map();
  }

  async attach(container: Container) {
    return container.networks;
  }

  async detach(container: Container) {
    return container.networks;
  }

  async takeNewName(): Promise<undefined> {}
  mayBeOfCluster = () => false;
}
