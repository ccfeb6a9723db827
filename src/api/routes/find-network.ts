import { errorKind, OperationError } from "../../lib/errors.ts";
import type { Network } from "../../model/cluster.ts";
import type { EngineNetwork } from "../../model/engine-network.ts";
import { callCluster, isManager } from "../cluster-call.ts";
import type { ApiContext } from "../context.ts";
import type { ApiRequest } from "../http/exchange.ts";

/** A network that this host has, the cluster's that it takes part in among them. @throws OperationError `invalid` where several fit. */
export async function findLocal(idOrName: string, { backends }: ApiContext): Promise<EngineNetwork | undefined> {
  return await unless("not-found", () => backends.networks.inspect(idOrName));
}

/** Whether this host has a network of that name. */
export async function isNameOfLocal(name: string, context: ApiContext): Promise<boolean> {
  return (await unless("invalid", () => findLocal(name, context)))?.name === name; // What begins so does not count.
}

export type FoundNetwork =
  | { readonly kind: "local"; readonly network: EngineNetwork }
  | { readonly kind: "cluster"; readonly network: Network };

/**
 * Of this host's networks and, on a manager, the cluster's: the one of that id, else that name, else the only one whose id begins so.
 * A name of the cluster's is not to be taken for the beginning of an id here: `db` may be both.
 * @param scope - `local` or `swarm`; empty: either.
 * @throws OperationError `not-found`, or `invalid` when several fit.
 */
export async function findNetwork(
  request: ApiRequest,
  context: ApiContext,
  { idOrName, scope = "" }: { readonly idOrName: string; readonly scope?: string },
): Promise<FoundNetwork> {
  const hasScope = (network: EngineNetwork): boolean => scope === "" || scope === network.scope;
  const asksCluster = scope !== "local" && isManager(context.backends.swarm.local());
  const local = asksCluster ? await unless("invalid", () => findLocal(idOrName, context)) : await findLocal(idOrName, context);
  if (local !== undefined && hasScope(local) && (isExact(local.id, local.name) || !asksCluster))
    return { kind: "local", network: local };
  if (!asksCluster) throw notFound();
  const cluster = await findInCluster();
  if (cluster !== undefined && isExact(cluster.id, cluster.spec.name)) return { kind: "cluster", network: cluster };
  const begins = local ?? (await findLocal(idOrName, context)); // Where several of this host's begin so, it throws now.
  const fits = begins !== undefined && hasScope(begins) ? begins : undefined;
  if (fits !== undefined && cluster !== undefined && (fits.id as string) !== (cluster.id as string))
    throw new OperationError("invalid", `network ${idOrName} is ambiguous (2 matches found based on ID prefix)`);
  if (fits !== undefined) return { kind: "local", network: fits };
  if (cluster !== undefined) return { kind: "cluster", network: cluster };
  throw notFound();

  function isExact(id: string, name: string): boolean {
    return idOrName === id || idOrName === name;
  }

  async function findInCluster(): Promise<Network | undefined> {
    const call = { kind: "get-network", idOrName } as const;
    const find = () => unless("not-found", () => callCluster(request, context, call));
    // Without a leader what is here can still be named.
    const answer = local === undefined ? await find() : await unless("unavailable", find);
    return answer?.networks[0];
  }

  function notFound(): OperationError {
    return new OperationError("not-found", `network ${idOrName} not found`);
  }
}

async function unless<T>(kind: "not-found" | "invalid" | "unavailable", call: () => Promise<T>): Promise<T | undefined> {
  try {
    return await call();
  } catch (error) {
    if (errorKind(error) === kind) return undefined;
    throw error;
  }
}
