import type { NetworkId } from "../model/ids.ts";
import type { Endpoint } from "../model/session.ts";
import type { Exec } from "../ports/exec.ts";
import { addressOn, type ClusterView, isLost } from "./cluster-view.ts";

/** Programs run at once. */
const CUTS_AT_ONCE_MAX = 4;

export interface Cut {
  /** `undefined`: on the host. */
  readonly namespacePath: string | undefined;
  /** Where the connection's answers came from: the task that is gone. */
  readonly backend: string;
  /**
   * `all`: nobody is there any more. `unanswered`: perhaps nobody is. A first packet without an answer stays on record for two minutes,
   * and a client that comes back with the same port within them would be sent to the same task again.
   */
  readonly what: "all" | "unanswered";
}

/** UDP has no first packet: its clients may as well go on elsewhere at once. */
const FILTERS: Readonly<Record<Cut["what"], readonly (readonly string[])[]>> = {
  all: [[]],
  unanswered: [
    ["-p", "tcp", "--state", "SYN_SENT"],
    ["-p", "udp"],
  ],
};

/**
 * Ends connections to tasks that are gone. Without it clients would wait for their own time-outs, and UDP clients that keep their
 * port would send to nobody for ever.
 */
export async function cutConnections(exec: Exec, cuts: readonly Cut[]): Promise<void> {
  const queue = cuts.flatMap(cut => FILTERS[cut.what].map(filter => ({ ...cut, filter })));
  const work = async (): Promise<void> => {
    for (let cut = queue.shift(); cut !== undefined; cut = queue.shift()) {
      const command = ["conntrack", "-D", ...cut.filter, "--reply-src", cut.backend];
      const [file = "", ...args] =
        cut.namespacePath === undefined ? command : ["nsenter", `--net=${cut.namespacePath}`, ...command];
      await exec.run(file, args, { allowFailure: true }); // It fails when there was none.
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

/** @param namespacesOn - Of containers here that are on a network. Ingress connections are the host's. */
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
  return endpoints.flatMap(endpoint =>
    endpoint.networks.flatMap(({ networkId }) => {
      const backend = addressOn(endpoint, networkId);
      if (backend === undefined) return [];
      const paths = networkId === ingressId ? [undefined] : namespacesOn(networkId);
      return paths.map(namespacePath => ({ namespacePath, backend, what }));
    }),
  );
}
