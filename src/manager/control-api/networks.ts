import { BlockList, isIP } from "node:net";
import { OperationError } from "../../lib/errors.ts";
import type { Network, NetworkSpec } from "../../model/cluster.ts";
import type { Filters } from "../../model/control.ts";
import type { NetworkId } from "../../model/ids.ts";
import { rpcError } from "../rpc-error.ts";
import type { StateSnapshot } from "../store/state-snapshot.ts";
import { beginsWith, checkFilters, hasLabels, passes } from "./filters.ts";
import { find } from "./find.ts";
import type { PlanMutation } from "./mutations.ts";
import { checkDnsName } from "./names.ts";
import { releaseNetwork } from "./network-release.ts";

export function createNetwork(spec: NetworkSpec): PlanMutation {
  return (view, { newId }) => {
    checkNetworkSpec(spec);
    if (spec.isIngress) {
      const present = [...view.all("network")].find(network => network.spec.isIngress);
      if (present !== undefined) throw rpcError("AlreadyExists", `ingress network (${present.id}) is already present`);
    }
    if (view.byName("network", spec.name) !== undefined) {
      throw new OperationError("conflict", `network with name ${spec.name} already exists`);
    }
    const id = newId<NetworkId>();
    const object: Network = { id, version: 0, createdAtMs: 0, updatedAtMs: 0, spec, ipam: [] };
    return {
      changes: [{ kind: "put", table: "network", object, basedOn: 0 }],
      response: { kind: "created", id, warnings: [] },
    };
  };
}

function checkNetworkSpec(spec: NetworkSpec): void {
  if (spec.isAttachable && spec.isIngress) throw rpcError("InvalidArgument", "ingress network cannot be attachable");
  checkDnsName(spec.name);
  if (spec.driver !== "overlay") {
    throw rpcError("InvalidArgument", `network driver "${spec.driver}" is not available for swarm networks, only "overlay" is`);
  }
  for (const config of spec.ipam) checkIpam(config);
}

function checkIpam({ subnet, ipRange, gateway, auxiliaryAddresses = {} }: NetworkSpec["ipam"][number]): void {
  const fail = (what: string) => rpcError("InvalidArgument", `ipam configuration: ${what}`);
  if (subnet === undefined || subnet === "") return; // The allocator chooses one.
  const block = blockOf(subnet);
  if (block === undefined) throw fail(`invalid subnet ${subnet}`);
  if (ipRange !== undefined && ipRange !== "") {
    const [address = ""] = ipRange.split("/");
    if (blockOf(ipRange) === undefined) throw fail(`invalid range ${ipRange}`);
    if (!block.check(address, familyOf(address))) throw fail(`subnet ${subnet} does not contain range ${ipRange}`);
  }
  if (gateway !== undefined && gateway !== "") {
    if (isIP(gateway) === 0) throw fail(`invalid gateway ${gateway}`);
    if (!block.check(gateway, familyOf(gateway))) throw fail(`subnet ${subnet} does not contain gateway ${gateway}`);
  }
  for (const address of Object.values(auxiliaryAddresses)) {
    if (isIP(address) === 0) throw fail(`invalid auxiliary address ${address}`);
    if (!block.check(address, familyOf(address))) throw fail(`subnet ${subnet} does not contain auxiliary address ${address}`);
  }
}

function blockOf(cidr: string): BlockList | undefined {
  const [address = "", length = "", ...rest] = cidr.split("/");
  const family = isIP(address);
  const bits = Number(length);
  if (family === 0 || !/^\d{1,3}$/.test(length) || bits > (family === 4 ? 32 : 128) || rest.length > 0) return undefined;
  const block = new BlockList();
  block.addSubnet(address, bits, familyOf(address));
  return block;
}

function familyOf(address: string): "ipv4" | "ipv6" {
  return isIP(address) === 6 ? "ipv6" : "ipv4";
}

export function removeNetwork(idOrName: string): PlanMutation {
  return view => {
    const { id, version, spec } = find(view, "network", idOrName);
    const [service] = spec.isIngress ? servicesOnIngress(view) : view.servicesUsing("network", id);
    if (service !== undefined && spec.isIngress) {
      throw rpcError("FailedPrecondition", `ingress network cannot be removed because service ${service.id} depends on it`);
    }
    if (service !== undefined) throw rpcError("FailedPrecondition", `network ${id} is in use by service ${service.id}`);
    const released = releaseNetwork(view, id);
    if ("id" in released) throw rpcError("FailedPrecondition", `network ${id} is in use by task ${released.id}`);
    const removal = { kind: "remove", table: "network", id, basedOn: version } as const;
    return { changes: [...released.changes, removal], response: { kind: "done" } };
  };
}

function servicesOnIngress(view: StateSnapshot) {
  return [...view.all("service")].filter(
    ({ spec, isRemoving }) => !isRemoving && spec.endpoint?.ports.some(port => port.publishMode === "ingress"),
  );
}

export function listNetworks(view: StateSnapshot, filters: Filters): Network[] {
  checkFilters(filters, ["id", "name", "label", "driver", "scope", "type", "dangling"]);
  return [...view.all("network")].filter(
    ({ id, spec }) =>
      passes(filters, "id", beginsWith(id)) &&
      passes(filters, "name", value => spec.name.includes(value)) &&
      passes(filters, "driver", value => spec.driver === value) &&
      passes(filters, "scope", value => value === "swarm") &&
      passes(filters, "type", value => value === "custom") &&
      hasLabels(filters, "label", spec.labels),
  );
}
