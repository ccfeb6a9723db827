import type { NetworkId, NodeId, ServiceId, TaskId } from "../model/ids.ts";
import type { AssignedService, Endpoint } from "../model/session.ts";
import { bareAddress, type ClusterView, EMPTY_VIEW, isLost } from "./cluster-view.ts";

/** Endpoints looked at before something else gets its turn: 3 to 5 ms. */
const SLICE = 250;

/** What one service or endpoint adds: addresses by name, and names by address. */
interface Share {
  readonly addresses: ReadonlyMap<string, readonly string[]>;
  readonly names: ReadonlyMap<string, string>;
}

const NOTHING: Share = { addresses: new Map(), names: new Map() };

/** What names stand for on cluster networks: services, `tasks.SERVICE`, tasks, containers made by hand, and aliases. */
export class ClusterNames {
  #view: ClusterView = EMPTY_VIEW;
  readonly #endpointsOf = new Map<ServiceId, Map<TaskId, Endpoint>>();
  readonly #shares = new Map<string, Share>();
  readonly #addresses = new Shared<readonly string[]>();
  readonly #names = new Shared<string>();

  /**
   * Makes it the view's. Only what has changed since the last one is worked out anew; meanwhile names are answered by either.
   *
   * @param pause - Awaited between slices of some ms.
   */
  async update(view: ClusterView, pause: () => Promise<void>): Promise<void> {
    const { endpoints, services } = this.#changes(view);
    let seen = 0;
    const looked = async (count: number): Promise<void> => {
      seen += count;
      if (seen < SLICE) return;
      seen = 0;
      await pause();
    };
    for (const [id, endpoint] of endpoints) {
      this.#put(id, endpoint === undefined ? NOTHING : shareOfEndpoint(endpoint, view));
      await looked(1);
    }
    for (const id of services) {
      const service = view.services.get(id);
      const own = [...(this.#endpointsOf.get(id)?.values() ?? [])];
      this.#put(id, service === undefined ? NOTHING : shareOfService(service, own, view));
      await looked(own.length + 1);
    }
    this.#view = view;
  }

  /** `undefined`: nobody's name on that network. */
  resolve(networkId: string, name: string): readonly string[] | undefined {
    const found = this.#addresses.get(keyOf(networkId, name));
    // Two services may share an alias: then it stands for both.
    return found.length === 0 ? undefined : [...new Set(found.flat())];
  }

  reverse(networkId: string, address: string): string | undefined {
    return this.#names.get(keyOf(networkId, address)).at(-1);
  }

  /** Which are to be looked at again. Each endpoint is already where its service's are found. */
  #changes(view: ClusterView) {
    const before = this.#view;
    const endpoints = new Map<TaskId, Endpoint | undefined>();
    const services = new Set<ServiceId>();
    const turned = nodesTurned(before, view);
    for (const [id, old] of before.endpoints) {
      const now = view.endpoints.get(id);
      if (now?.serviceId === old.serviceId) continue;
      this.#endpointsOf.get(old.serviceId)?.delete(id);
      services.add(old.serviceId);
      if (now === undefined) endpoints.set(id, undefined);
    }
    for (const [id, endpoint] of view.endpoints) {
      if (before.endpoints.get(id) === endpoint && !turned.has(endpoint.nodeId)) continue;
      const others = this.#endpointsOf.get(endpoint.serviceId) ?? new Map<TaskId, Endpoint>();
      this.#endpointsOf.set(endpoint.serviceId, others.set(id, endpoint));
      endpoints.set(id, endpoint);
      services.add(endpoint.serviceId);
    }
    for (const [id, service] of view.services) if (before.services.get(id) !== service) services.add(id);
    for (const id of before.services.keys()) if (!view.services.has(id)) services.add(id);
    for (const id of services) if (this.#endpointsOf.get(id)?.size === 0) this.#endpointsOf.delete(id);
    return { endpoints, services };
  }

  #put(source: string, share: Share): void {
    const before = this.#shares.get(source) ?? NOTHING;
    this.#addresses.replace(source, before.addresses, share.addresses);
    this.#names.replace(source, before.names, share.names);
    if (share === NOTHING) this.#shares.delete(source);
    else this.#shares.set(source, share);
  }
}

/** Values by key, of which several sources may each have one. */
class Shared<Value> {
  readonly #values = new Map<string, readonly (readonly [source: string, value: Value])[]>();

  /** In the order in which the sources came. */
  get(key: string): readonly Value[] {
    return (this.#values.get(key) ?? []).map(([, value]) => value);
  }

  replace(source: string, before: ReadonlyMap<string, Value>, after: ReadonlyMap<string, Value>): void {
    for (const key of before.keys()) {
      if (after.has(key)) continue;
      const left = (this.#values.get(key) ?? []).filter(([other]) => other !== source);
      if (left.length === 0) this.#values.delete(key);
      else this.#values.set(key, left);
    }
    for (const [key, value] of after) {
      const entries = this.#values.get(key) ?? [];
      const isKnown = before.has(key);
      this.#values.set(
        key,
        isKnown ? entries.map(each => (each[0] === source ? [source, value] : each)) : [...entries, [source, value]],
      );
    }
  }
}

/** Those that were found to be down, or to be back. */
function nodesTurned(before: ClusterView, view: ClusterView): ReadonlySet<NodeId> {
  const isDown = ({ peers }: ClusterView, id: NodeId) => peers.get(id)?.isDown === true;
  return new Set([...before.peers.keys(), ...view.peers.keys()].filter(id => isDown(before, id) !== isDown(view, id)));
}

function shareOfService(service: AssignedService, endpoints: readonly Endpoint[], view: ClusterView): Share {
  const serving = endpoints
    .filter(endpoint => endpoint.isServing && !isLost(view, endpoint))
    .toSorted((left, right) => (left.taskId < right.taskId ? -1 : 1));
  const byNetwork = new Map<NetworkId, { readonly tasks: string[]; readonly names: Set<string> }>();
  const on = (networkId: NetworkId) => {
    const known = byNetwork.get(networkId) ?? { tasks: [], names: new Set([service.name]) };
    byNetwork.set(networkId, known);
    return known;
  };
  for (const { networkId } of service.virtualIps) on(networkId);
  for (const { networks } of serving) {
    for (const { networkId, address, aliases } of networks) {
      const { tasks, names } = on(networkId);
      tasks.push(bareAddress(address));
      for (const alias of aliases) names.add(alias);
    }
  }
  const share = { addresses: new Map<string, readonly string[]>(), names: new Map<string, string>() };
  for (const [networkId, { tasks, names }] of byNetwork) {
    const own = virtualAddressOn(service, networkId);
    for (const name of names) {
      share.addresses.set(keyOf(networkId, name), own === undefined ? tasks : [own]);
      share.addresses.set(keyOf(networkId, `tasks.${name}`), tasks);
    }
    if (own !== undefined) share.names.set(keyOf(networkId, own), service.name);
  }
  return share;
}

function shareOfEndpoint(endpoint: Endpoint, view: ClusterView): Share {
  const isByHand = endpoint.containerId !== undefined;
  if (isByHand && isLost(view, endpoint)) return NOTHING; // Another container may have its name by now.
  const share = { addresses: new Map<string, readonly string[]>(), names: new Map<string, string>() };
  for (const { networkId, address, aliases } of endpoint.networks) {
    const own = [bareAddress(address)];
    for (const name of [endpoint.taskName, ...(isByHand ? aliases : [])]) share.addresses.set(keyOf(networkId, name), own);
    share.names.set(keyOf(networkId, bareAddress(address)), endpoint.taskName);
  }
  return share;
}

function virtualAddressOn({ endpointMode, virtualIps }: AssignedService, networkId: NetworkId): string | undefined {
  if (endpointMode !== "vip") return undefined;
  const found = virtualIps.find(virtualIp => virtualIp.networkId === networkId);
  return found === undefined ? undefined : bareAddress(found.address);
}

function keyOf(networkId: string, name: string): string {
  return `${networkId}/${name.toLowerCase()}`;
}
