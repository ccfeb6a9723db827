import type { NetworkId } from "../model/ids.ts";
import type { Endpoint } from "../model/session.ts";
import type { Exec } from "../ports/exec.ts";
import { addressOn, type ClusterView, isLost } from "./cluster-view.ts";

/** Programs run at once. */
const CUTS_AT_ONCE_MAX = 4;

export interface Cut {
  /** `undefined`: on the host. */
  readonly namespacePath: string | undefined;
  /** Where the connections' answers came from: the tasks that are gone. */
  readonly backends: readonly string[];
  /**
   * `all`: nobody is there any more. `unanswered`: perhaps nobody is. A first packet without an answer stays on record for two minutes,
   * and a client that comes back with the same port within them would be sent to the same task again.
   */
  readonly what: "all" | "unanswered";
}

/** UDP has no first packet: its clients may as well go on elsewhere at once. */
const FILTERS: Readonly<Record<Cut["what"], readonly string[]>> = {
  all: [""],
  unanswered: ["-p tcp --state SYN_SENT ", "-p udp "],
};

/**
 * Ends connections to tasks that are gone. Without it clients would wait for their own time-outs, and UDP clients that keep their
 * port would send to nobody for ever.
 */
export async function cutConnections(exec: Exec, cuts: readonly Cut[]): Promise<void> {
  const queue = [...cuts];
  const work = async (): Promise<void> => {
    for (let cut = queue.shift(); cut !== undefined; cut = queue.shift()) {
      const { namespacePath, backends, what } = cut;
      const deletions = backends.flatMap(backend => FILTERS[what].map(filter => `-D ${filter}--reply-src ${backend}\n`));
      const command = ["conntrack", "--load-file", "-"];
      const [file = "", ...args] = namespacePath === undefined ? command : ["nsenter", `--net=${namespacePath}`, ...command];
      // It fails when the container has ended meanwhile, and its namespace with it.
      await exec.run(file, args, { stdin: deletions.join(""), allowFailure: true });
    }
  };
  await Promise.all(Array.from({ length: CUTS_AT_ONCE_MAX }, work));
}

/** Endpoints that connections lead to in vain since `before`: of tasks that have ended, and of tasks whose node was found to be down. */
export function deadEndpoints(
  before: ClusterView,
  now: ClusterView,
): { readonly ended: readonly Endpoint[]; readonly lost: readonly Endpoint[] } {
  // Nobody is sent to containers made by hand in another's place: there is nothing to take back.
  const ended = [...before.endpoints.values()].filter(
    ({ taskId, containerId }) => containerId === undefined && !now.endpoints.has(taskId),
  );
  const isNewlyDown = [...now.peers.values()].some(({ nodeId, isDown }) => isDown && before.peers.get(nodeId)?.isDown !== true);
  if (!isNewlyDown) return { ended, lost: [] };
  const lost = [...now.endpoints.values()].filter(endpoint => isLost(now, endpoint) && !isLost(before, endpoint));
  return { ended, lost };
}

/**
 * One cut for each namespace that may have connections to any of them.
 *
 * @param namespacesOn - Of containers here that are on a network. Ingress connections are the host's.
 */
export function cutsFor(
  endpoints: readonly Endpoint[],
  {
    what,
    ingressId,
    namespacesOn,
  }: {
    readonly what: Cut["what"];
    readonly ingressId: NetworkId | undefined;
    readonly namespacesOn: (networkId: NetworkId) => readonly string[];
  },
): readonly Cut[] {
  const byNetwork = new Map<NetworkId, string[]>();
  for (const endpoint of endpoints) {
    for (const { networkId } of endpoint.networks) {
      const backend = addressOn(endpoint, networkId);
      if (backend !== undefined) gather(byNetwork, networkId, [backend]);
    }
  }
  const byNamespace = new Map<string | undefined, string[]>();
  for (const [networkId, backends] of byNetwork)
    for (const path of networkId === ingressId ? [undefined] : namespacesOn(networkId)) gather(byNamespace, path, backends);
  return [...byNamespace].map(([namespacePath, backends]) => ({ namespacePath, backends, what }));
}

function gather<Key>(lists: Map<Key, string[]>, key: Key, more: readonly string[]): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [...more]);
  else list.push(...more);
}
