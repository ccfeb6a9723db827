import type { Network, NetworkAttachmentSpec, PortConfig, TaskSpec } from "../../model/cluster.ts";
import { asId } from "../../model/ids.ts";
import type { NetworkId } from "../../model/ids.ts";
import type { Snapshot } from "../store/snapshot.ts";

export interface Attachment {
  readonly network: Network;
  readonly aliases: readonly string[];
  /** Missing: nobody asked for it by name. */
  readonly spec?: NetworkAttachmentSpec;
}

export function ingressNetwork(view: Snapshot): Network | undefined {
  for (const network of view.all("network")) if (network.spec.isIngress) return network;
  return undefined;
}

export function hasIngressPorts(ports: readonly PortConfig[]): boolean {
  return ports.some(port => port.publishMode === "ingress");
}

/** The cluster's networks that a task of this template is on. Others that it names (`host`, …) are the node's own. */
export function attachmentsOf(
  view: Snapshot,
  { task, ports }: { readonly task: TaskSpec; readonly ports: readonly PortConfig[] },
): readonly Attachment[] {
  const attachments = task.networks.flatMap((spec): readonly Attachment[] => {
    const { target, aliases = [] } = spec;
    const network = view.get("network", asId<NetworkId>(target)) ?? view.byName("network", target);
    return network === undefined ? [] : [{ network, aliases, spec }];
  });
  const ingress = hasIngressPorts(ports) ? ingressNetwork(view) : undefined;
  return ingress === undefined ? attachments : [...attachments, { network: ingress, aliases: [] }];
}
