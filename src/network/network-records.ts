import type { NetworkRecord } from "../engine/networks/network-record.ts";
import type { Network } from "../model/cluster.ts";
import { asId } from "../model/ids.ts";

/** A cluster network as the engine of a host that takes part in it knows it. */
export function clusterNetworkRecord({ id, spec, ipam, vxlanId, createdAtMs }: Network): NetworkRecord {
  return {
    id: asId(id),
    name: spec.name,
    createdAtMs,
    scope: "swarm",
    driver: "overlay",
    isIpv4: true,
    isIpv6: false,
    ipamDriver: "default",
    ipam,
    isInternal: spec.isInternal,
    isAttachable: spec.isAttachable,
    isIngress: spec.isIngress,
    options: { ...spec.driverOptions, "com.docker.network.driver.overlay.vxlanid_list": String(vxlanId ?? "") },
    labels: spec.labels,
  };
}
