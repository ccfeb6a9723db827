import type { Network, NetworkAttachmentSpec, ServiceSpec } from "../../model/cluster.ts";
import { asId, type NetworkId, type ServiceId } from "../../model/ids.ts";
import type { AddressRange } from "../allocator/slot-addresses.ts";
import { keptAddresses, parseRange, slotAddressesOf } from "../allocator/slot-addresses.ts";
import { addressOf, formatAddress, parseAddress, parseSubnet, sizeOf } from "../allocator/ipv4.ts";
import { gatewayIn } from "../allocator/networks.ts";
import { isDead, isWanted } from "../orchestrator/instance.ts";
import { rpcError } from "../rpc-error.ts";
import type { StateSnapshot } from "../store/state-snapshot.ts";

/** On one network: each is an entry of its own in the state's index of what is taken. */
const ADDRESSES_MAX = 4096;

function invalid(message: string) {
  return rpcError("InvalidArgument", message);
}

/**
 * Docker's clients read a spec and send it back without what they do not know: that is no wish to be without it. An empty list is one.
 * @param given - With networks' ids.
 */
export function withSlotAddresses(given: ServiceSpec, before: ServiceSpec | undefined): ServiceSpec {
  const networks = given.task.networks.map((attachment): NetworkAttachmentSpec => {
    const known = before?.task.networks.find(({ target }) => target === attachment.target);
    const { addresses = known?.addresses ?? [], ...rest } = attachment;
    return addresses.length === 0 ? rest : { ...rest, addresses };
  });
  return { ...given, task: { ...given.task, networks } };
}

/**
 * Whether tasks can have the addresses that the spec gives their slots.
 * @param spec - With networks' ids.
 * @param options.own - The service that it is the spec of, when there is one already.
 * @throws OperationError `invalid`.
 */
export function checkSlotAddresses(
  view: StateSnapshot,
  spec: ServiceSpec,
  { own }: { readonly own?: ServiceId | undefined } = {},
): void {
  const attachments = spec.task.networks.filter(({ addresses }) => addresses !== undefined);
  if (attachments.length === 0) return;
  checkMode(spec);
  for (const attachment of attachments) {
    if (spec.task.networks.filter(({ target }) => target === attachment.target).length > 1)
      throw invalid(`network ${attachment.target} is named twice: a slot has one address there`);
    const network = view.get("network", asId<NetworkId>(attachment.target));
    if (network === undefined) throw invalid(`network ${attachment.target} is the nodes' own: slots have no addresses there`);
    const ranges = checkForm(attachment, spec, network);
    checkSubnet(ranges, network);
    checkFree(view, { wanted: new Set(slotAddressesOf(attachment)), network, own });
  }
}

function checkMode({ mode, update, rollback }: ServiceSpec): void {
  if (mode.kind !== "replicated") throw invalid("only tasks of a replicated service have slots, and addresses by them");
  if (update?.order === "start-first" || rollback?.order === "start-first") {
    throw invalid(
      "tasks with addresses by their slots cannot be updated start-first: a new task needs the address of the old one",
    );
  }
}

function checkForm(
  { addresses = [] }: NetworkAttachmentSpec,
  { mode }: ServiceSpec,
  { spec: { name } }: Network,
): AddressRange[] {
  const tooMany = (count: number) => invalid(`${count} addresses on network ${name}: more than ${ADDRESSES_MAX}`);
  if (addresses.length > ADDRESSES_MAX) throw tooMany(addresses.length);
  const ranges = addresses.map(text => {
    const range = parseRange(text);
    if (range !== undefined) return range;
    throw invalid(`invalid address ${JSON.stringify(text)}: it must be like 10.0.1.20 or 10.0.1.20-10.0.1.29`);
  });
  const count = ranges.reduce((sum, { first, last }) => sum + last - first + 1, 0);
  if (count > ADDRESSES_MAX) throw tooMany(count);
  const sorted = ranges.toSorted((a, b) => a.first - b.first);
  const twice = sorted.find(({ first }, at) => first <= (sorted[at - 1]?.last ?? -1));
  if (twice !== undefined) throw invalid(`address ${formatAddress(twice.first)} is given twice on network ${name}`);
  const replicas = mode.kind === "replicated" ? mode.replicas : 0;
  if (replicas > count) throw invalid(`${replicas} replicas need as many addresses on network ${name}: ${count} are given`);
  return ranges;
}

function checkSubnet(ranges: readonly AddressRange[], { spec: { name, ipam } }: Network): void {
  const config = ipam.find(({ subnet = "" }) => subnet !== "");
  const subnet = parseSubnet(config?.subnet ?? "");
  if (config === undefined || subnet === undefined)
    throw invalid("user specified IP address is supported only when connecting to networks with user configured subnets");
  const taken = new Map([[parseAddress(gatewayIn(subnet, config)), "its gateway"]]);
  for (const address of Object.values(config.auxiliaryAddresses ?? {})) taken.set(parseAddress(address), "an auxiliary address");
  for (const { first, last } of ranges) {
    // The subnet's own address and its broadcast address are nobody's.
    const outside = [first, last].find(address => address <= subnet.base || address >= subnet.base + sizeOf(subnet) - 1);
    if (outside !== undefined)
      throw invalid(`network ${name} (${config.subnet}) has no address ${formatAddress(outside)} to give`);
    for (const [address = NaN, what] of taken) if (address >= first && address <= last) throw isTaken(address, name, what);
  }
}

/** What is on its way out is waited for, once the tasks are made. */
function checkFree(
  view: StateSnapshot,
  options: { readonly wanted: ReadonlySet<number>; readonly network: Network; readonly own: ServiceId | undefined },
): void {
  const { wanted, network, own } = options;
  const refuse = (address: number | undefined, who: string): void => {
    if (address !== undefined && wanted.has(address)) throw isTaken(address, network.spec.name, who);
  };
  for (const service of view.all("service")) {
    if (service.isRemoving) continue;
    const { name } = service.spec;
    for (const { networkId, address } of service.endpoint.virtualIps)
      if (networkId === network.id) refuse(addressOf(address), `the virtual address of service ${name}`);
    const kept = service.id === own ? [] : keptAddresses(service).filter(({ networkId }) => networkId === network.id);
    for (const address of kept.flatMap(({ addresses }) => addresses)) refuse(address, `kept by service ${name}`);
  }
  for (const task of view.tasksOnNetwork(network.id)) {
    if (task.serviceId === own || !isWanted(task) || isDead(task)) continue;
    if (view.get("service", task.serviceId)?.isRemoving === true) continue;
    const held = task.networks.filter(({ networkId }) => networkId === network.id).flatMap(({ addresses }) => addresses);
    for (const address of held) refuse(addressOf(address), `held by task ${task.id}`);
  }
}

function isTaken(address: number, networkName: string, who: string) {
  return invalid(`address ${formatAddress(address)} on network ${networkName} is ${who}`);
}
