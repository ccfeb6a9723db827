import type { Node, Task } from "../../model/cluster.ts";
import type { NetworkId, NodeId, TaskId } from "../../model/ids.ts";
import { isTerminal } from "../../model/task-state.ts";
import { addressOf } from "./ipv4.ts";

/** An address rests this long after its task ended, so that connections to the old one do not reach the new one. */
export const REST_MS = 30_000;

/** Of one network, as numbers. */
export interface NetworkAddresses {
  readonly held: ReadonlyMap<number, TaskId>;
  /** Until when each rests, by the clock of the managers, in ms since 1970. */
  readonly resting: ReadonlyMap<number, number>;
}

interface Share {
  readonly networkId: NetworkId;
  readonly address: number;
  /** Missing while the task has it. */
  readonly restsUntilMs?: number;
}

const NONE: NetworkAddresses = { held: new Map(), resting: new Map() };

/** Which task has which address: derived from the tasks, kept up as they change, made anew by every leader. */
export class AddressIndex {
  readonly #shares = new Map<TaskId, readonly Share[]>();
  readonly #networks = new Map<NetworkId, { readonly held: Map<number, TaskId>; readonly resting: Map<number, number> }>();
  readonly #ofNode = new Map<NodeId, number>();
  readonly #nodes = new Map<number, NodeId>();

  on(networkId: NetworkId): NetworkAddresses {
    return this.#networks.get(networkId) ?? NONE;
  }

  /** In the ingress network. */
  get nodes(): ReadonlyMap<number, NodeId> {
    return this.#nodes;
  }

  /** It has now what `task` has; without one, nothing. */
  noteTask(id: TaskId, task: Task | undefined): void {
    for (const share of this.#shares.get(id) ?? []) this.#forget(id, share);
    const shares = task === undefined ? [] : sharesOf(task);
    if (shares.length === 0) this.#shares.delete(id);
    else this.#shares.set(id, shares);
    for (const { networkId, address, restsUntilMs } of shares) {
      let network = this.#networks.get(networkId);
      if (network === undefined) this.#networks.set(networkId, (network = { held: new Map(), resting: new Map() }));
      if (restsUntilMs === undefined) network.held.set(address, id);
      else network.resting.set(address, restsUntilMs);
    }
  }

  /** Another task may have the address by now. */
  #forget(id: TaskId, { networkId, address, restsUntilMs }: Share): void {
    const network = this.#networks.get(networkId);
    if (network === undefined) return;
    const { held, resting } = network;
    if (restsUntilMs === undefined && held.get(address) === id) held.delete(address);
    if (restsUntilMs !== undefined && resting.get(address) === restsUntilMs) resting.delete(address);
    if (held.size === 0 && resting.size === 0) this.#networks.delete(networkId);
  }

  noteNode(id: NodeId, node: Node | undefined): void {
    const old = this.#ofNode.get(id);
    if (old !== undefined && this.#nodes.get(old) === id) this.#nodes.delete(old);
    const address = node?.ingressAddress === undefined ? undefined : addressOf(node.ingressAddress);
    if (address === undefined) this.#ofNode.delete(id);
    else {
      this.#ofNode.set(id, address);
      this.#nodes.set(address, id);
    }
  }
}

function sharesOf({ networks, status }: Task): readonly Share[] {
  if (networks.length === 0) return [];
  const rest = isTerminal(status.state) ? { restsUntilMs: status.atMs + REST_MS } : {};
  return networks.flatMap(({ networkId, addresses }) =>
    addresses.flatMap(each => {
      const address = addressOf(each);
      return address === undefined ? [] : [{ networkId, address, ...rest }];
    }),
  );
}
