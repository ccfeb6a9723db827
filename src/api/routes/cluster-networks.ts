import type { Network } from "../../model/cluster.ts";
import type { Filters } from "../../model/control.ts";
import { callCluster, isManager } from "../cluster-call.ts";
import type { ApiContext } from "../context.ts";
import type { ApiRequest } from "../http/exchange.ts";

/** The networks of the cluster that fit the filters; none where this node cannot know them. */
export async function clusterNetworks(request: ApiRequest, context: ApiContext, filters: Filters): Promise<readonly Network[]> {
  if (!isManager(context.backends.swarm.local())) return [];
  const { networks } = await callCluster(request, context, { kind: "list-networks", filters: {} });
  return networks.filter(network => matches(network, filters));
}

function matches({ id, spec }: Network, filters: Filters): boolean {
  const any = (key: string, fits: (value: string) => boolean) => filters[key]?.some(fits) ?? true;
  return (
    any("id", value => id.startsWith(value)) &&
    any("name", value => spec.name.includes(value)) &&
    any("driver", value => spec.driver === value) &&
    any("scope", value => value === "swarm") &&
    any("type", value => value === "custom") &&
    any("dangling", value => value === "false" || value === "0") &&
    (filters["label"] ?? []).every(label => hasLabel(spec.labels, label))
  );
}

function hasLabel(labels: Readonly<Record<string, string>>, label: string): boolean {
  const [key = "", ...value] = label.split("=");
  return Object.hasOwn(labels, key) && (value.length === 0 || labels[key] === value.join("="));
}
