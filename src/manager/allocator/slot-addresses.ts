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

/** @param addresses - As a spec has them, which was checked. */
export function rangesOf({ addresses = [] }: NetworkAttachmentSpec): readonly AddressRange[] {
  return addresses.flatMap(text => parseRange(text) ?? []);
}

export function countOf(ranges: readonly AddressRange[]): number {
  return ranges.reduce((count, { first, last }) => count + last - first + 1, 0);
}

/** Tasks of this template have addresses by their slots. */
export function hasSlotAddresses({ networks }: TaskSpec): boolean {
  return networks.some(({ addresses }) => addresses !== undefined);
}

/** Slot 1 has the first. @returns `undefined` when there are fewer. */
export function addressOfSlot(attachment: NetworkAttachmentSpec, slot: number): string | undefined {
  let before = 1;
  for (const { first, last } of rangesOf(attachment)) {
    const count = last - first + 1;
    if (slot >= before && slot < before + count) return formatAddress(first + slot - before);
    before += count;
  }
  return undefined;
}

/** Addresses on a network that no other service's tasks are given, by number. */
export interface KeptAddresses {
  readonly networkId: string;
  readonly addresses: readonly number[];
}

/** Those of its spec's slots, and of the previous one's, to which it may be rolled back. One that is being removed keeps none. */
export function keptAddresses({ spec, previousSpec, isRemoving }: Service): readonly KeptAddresses[] {
  if (isRemoving) return [];
  return [spec, previousSpec].flatMap(each =>
    (each?.task.networks ?? []).flatMap(attachment =>
      attachment.addresses === undefined
        ? []
        : [{ networkId: attachment.target, addresses: rangesOf(attachment).flatMap(addressesIn) }],
    ),
  );
}

function addressesIn({ first, last }: AddressRange): readonly number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}
