import { isIPv4 } from "node:net";
import type { NetworkAttachmentSpec, Service, TaskSpec } from "../../model/cluster.ts";
import { formatAddress, parseAddress } from "./ipv4.ts";

/** Addresses in a row, both ends included. */
export interface AddressRange {
  readonly first: number;
  readonly last: number;
}

/** `10.0.1.20`, or a row of them, `10.0.1.20-10.0.1.29`. @returns `undefined` for what is neither. */
export function parseRange(text: string): AddressRange | undefined {
  const ends = text.split("-");
  if (ends.length > 2 || !ends.every(isIPv4)) return undefined;
  const [first, last = first] = ends.map(parseAddress);
  return first === undefined || last === undefined || last < first ? undefined : { first, last };
}

const EXPANDED = new WeakMap<readonly string[], readonly number[]>();

/** What a spec, which was checked, gives slots there, by number: slot 1 has the first. Worked out once. */
export function slotAddressesOf({ addresses }: NetworkAttachmentSpec): readonly number[] {
  if (addresses === undefined) return [];
  let expanded = EXPANDED.get(addresses);
  if (expanded === undefined) EXPANDED.set(addresses, (expanded = addresses.flatMap(text => addressesIn(parseRange(text)))));
  return expanded;
}

function addressesIn(range: AddressRange | undefined): readonly number[] {
  if (range === undefined) return [];
  return Array.from({ length: range.last - range.first + 1 }, (_, index) => range.first + index);
}

/** Tasks of this template have addresses by their slots. */
export function hasSlotAddresses({ networks }: TaskSpec): boolean {
  return networks.some(({ addresses }) => addresses !== undefined);
}

/** @returns `undefined` when there are fewer. */
export function addressOfSlot(attachment: NetworkAttachmentSpec, slot: number): string | undefined {
  const address = slotAddressesOf(attachment)[slot - 1];
  return address === undefined ? undefined : formatAddress(address);
}

/** Addresses on a network that no other service's tasks are given. */
export interface KeptAddresses {
  readonly networkId: string;
  readonly addresses: readonly number[];
}

/** Those of its spec's slots, and of the previous one's, to which it may be rolled back. One that is being removed keeps none. */
export function keptAddresses({ spec, previousSpec, isRemoving }: Service): readonly KeptAddresses[] {
  if (isRemoving) return [];
  const attachments = [...spec.task.networks, ...(previousSpec?.task.networks ?? [])];
  return attachments
    .filter(({ addresses }) => addresses !== undefined)
    .map(attachment => ({ networkId: attachment.target, addresses: slotAddressesOf(attachment) }));
}
