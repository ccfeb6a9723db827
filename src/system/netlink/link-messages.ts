import { formatIp, type IpAddress, parseIp } from "../../lib/ip-address.ts";
import { OperationError } from "../../lib/errors.ts";
import type { LinkChange, LinkPair } from "../../ports/kernel-network.ts";
import {
  attribute,
  nestedAttribute,
  type NetlinkMessage,
  NLM_F_CREATE,
  NLM_F_EXCL,
  NLM_F_REPLACE,
  numberAttribute,
  textAttribute,
} from "./message.ts";

/** From linux/rtnetlink.h, linux/if_link.h, linux/if_addr.h, linux/neighbour.h and linux/veth.h. */
const RTM_NEWLINK = 16;
const RTM_DELLINK = 17;
const RTM_NEWADDR = 20;
const RTM_NEWROUTE = 24;
const RTM_NEWNEIGH = 28;
const IFLA_ADDRESS = 1;
const IFLA_IFNAME = 3;
const IFLA_MTU = 4;
const IFLA_MASTER = 10;
const IFLA_LINKINFO = 18;
const IFLA_NET_NS_FD = 28;
const IFLA_INFO_KIND = 1;
const IFLA_INFO_DATA = 2;
const IFLA_INFO_SLAVE_KIND = 4;
const IFLA_INFO_SLAVE_DATA = 5;
const IFLA_BRPORT_MODE = 4;
const VETH_INFO_PEER = 1;
const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;
const IFA_BROADCAST = 4;
const IFA_F_NODAD = 2;
const RTA_OIF = 4;
const RTA_GATEWAY = 5;
const RT_TABLE_MAIN = 254;
const RTPROT_BOOT = 3;
const RTN_UNICAST = 1;
const NDA_DST = 1;
const NDA_LLADDR = 2;
/** Good for sending; whether it still holds is asked a while after. */
const NUD_STALE = 4;
const IFF_UP = 1;
const AF_INET = 2;
const AF_INET6 = 10;
const IPV4_BITS = 32;
/** A longer prefix leaves no address for all. */
const BROADCAST_PREFIX_MAX = 30;

/** The number that a device has in the namespace. @throws when there is none of that name. */
export type FindDevice = (name: string) => number;

/** What one change is to the kernel, in order. */
export function messagesFor(change: LinkChange, findDevice: FindDevice): readonly NetlinkMessage[] {
  switch (change.kind) {
    case "add-pair":
      return [addPair(change, findDevice), ...(change.isHairpin ? [hairpin(change.name)] : [])];
    case "raise":
      return [{ type: RTM_NEWLINK, flags: 0, body: Buffer.concat([linkHeader({ isUp: true }), deviceName(change.device)]) }];
    case "add-address":
      return [addAddress(change, findDevice(change.device))];
    case "default-route":
      return [defaultRoute(change, findDevice(change.device))];
    case "neighbour":
      return [neighbour(change, findDevice(change.device))];
    case "delete":
      return [{ type: RTM_DELLINK, flags: 0, body: Buffer.concat([linkHeader({ isUp: false }), deviceName(change.device)]) }];
  }
}

/** In the words of `ip`, for errors. */
export function describe(change: LinkChange): string {
  switch (change.kind) {
    case "add-pair":
      return `link add name ${change.name} type veth peer name ${change.peer.name} master ${change.bridge}`;
    case "raise":
      return `link set dev ${change.device} up`;
    case "add-address":
      return `addr add ${change.address}/${change.prefixLength} dev ${change.device}`;
    case "default-route":
      return `route replace default via ${change.gateway} dev ${change.device}`;
    case "neighbour":
      return `neigh replace ${change.address} lladdr ${change.macAddress} dev ${change.device}`;
    case "delete":
      return `link del dev ${change.device}`;
  }
}

/** struct ifinfomsg: family, type, index, flags and which of them are meant. */
function linkHeader({ isUp }: { readonly isUp: boolean }): Buffer {
  const header = Buffer.alloc(16);
  if (isUp) {
    header.writeUInt32LE(IFF_UP, 8);
    header.writeUInt32LE(IFF_UP, 12);
  }
  return header;
}

function deviceName(name: string): Buffer {
  return textAttribute(IFLA_IFNAME, name);
}

/** Made whole: on its bridge and up, its other end where it belongs. */
function addPair({ name, mtuBytes, bridge, peer }: LinkPair, findDevice: FindDevice): NetlinkMessage {
  const other = Buffer.concat([
    linkHeader({ isUp: false }),
    deviceName(peer.name),
    numberAttribute(IFLA_MTU, mtuBytes),
    attribute(IFLA_ADDRESS, macBytes(peer.macAddress)),
    numberAttribute(IFLA_NET_NS_FD, peer.namespaceFd),
  ]);
  const body = Buffer.concat([
    linkHeader({ isUp: true }),
    deviceName(name),
    numberAttribute(IFLA_MTU, mtuBytes),
    numberAttribute(IFLA_MASTER, findDevice(bridge)),
    nestedAttribute(IFLA_LINKINFO, [
      attribute(IFLA_INFO_KIND, Buffer.from("veth")),
      nestedAttribute(IFLA_INFO_DATA, [attribute(VETH_INFO_PEER, other)]),
    ]),
  ]);
  return { type: RTM_NEWLINK, flags: NLM_F_CREATE | NLM_F_EXCL, body };
}

function hairpin(device: string): NetlinkMessage {
  const settings = nestedAttribute(IFLA_INFO_SLAVE_DATA, [attribute(IFLA_BRPORT_MODE, Buffer.of(1))]);
  const info = nestedAttribute(IFLA_LINKINFO, [attribute(IFLA_INFO_SLAVE_KIND, Buffer.from("bridge")), settings]);
  return { type: RTM_NEWLINK, flags: 0, body: Buffer.concat([linkHeader({ isUp: false }), deviceName(device), info]) };
}

/** Of IPv6 nobody else has it: to ask around would only keep programs from using it. */
function addAddress(
  { address, prefixLength }: { readonly address: string; readonly prefixLength: number },
  device: number,
): NetlinkMessage {
  const parsed = parsedIp(address);
  const header = Buffer.alloc(8);
  header.writeUInt8(familyOf(parsed), 0);
  header.writeUInt8(prefixLength, 1);
  if (parsed.family === 6) header.writeUInt8(IFA_F_NODAD, 2);
  header.writeUInt32LE(device, 4);
  const bytes = bytesOf(parsed);
  const parts = [header, attribute(IFA_LOCAL, bytes), attribute(IFA_ADDRESS, bytes)];
  if (parsed.family === 4 && prefixLength <= BROADCAST_PREFIX_MAX)
    parts.push(attribute(IFA_BROADCAST, bytesOf(broadcastOf(parsed, prefixLength))));
  return { type: RTM_NEWADDR, flags: NLM_F_CREATE | NLM_F_EXCL, body: Buffer.concat(parts) };
}

function broadcastOf({ family, value }: IpAddress, prefixLength: number): IpAddress {
  return { family, value: value | ((1n << BigInt(IPV4_BITS - prefixLength)) - 1n) };
}

function defaultRoute({ gateway }: { readonly gateway: string }, device: number): NetlinkMessage {
  const parsed = parsedIp(gateway);
  const header = Buffer.alloc(12);
  header.writeUInt8(familyOf(parsed), 0);
  header.writeUInt8(RT_TABLE_MAIN, 4);
  header.writeUInt8(RTPROT_BOOT, 5);
  header.writeUInt8(RTN_UNICAST, 7);
  const body = Buffer.concat([header, attribute(RTA_GATEWAY, bytesOf(parsed)), numberAttribute(RTA_OIF, device)]);
  return { type: RTM_NEWROUTE, flags: NLM_F_CREATE | NLM_F_REPLACE, body };
}

function neighbour(
  { address, macAddress }: { readonly address: string; readonly macAddress: string },
  device: number,
): NetlinkMessage {
  const parsed = parsedIp(address);
  const header = Buffer.alloc(12);
  header.writeUInt8(familyOf(parsed), 0);
  header.writeUInt32LE(device, 4);
  header.writeUInt16LE(NUD_STALE, 8);
  const body = Buffer.concat([header, attribute(NDA_DST, bytesOf(parsed)), attribute(NDA_LLADDR, macBytes(macAddress))]);
  return { type: RTM_NEWNEIGH, flags: NLM_F_CREATE | NLM_F_REPLACE, body };
}

function macBytes(macAddress: string): Buffer {
  return Buffer.from(macAddress.replaceAll(":", ""), "hex");
}

function parsedIp(text: string): IpAddress {
  const parsed = parseIp(text);
  if (parsed === undefined) throw new OperationError("internal", `${text} is no address`);
  return parsed;
}

function familyOf({ family }: IpAddress): number {
  return family === 4 ? AF_INET : AF_INET6;
}

/** In network order. */
function bytesOf(address: IpAddress): Buffer {
  if (address.family === 4) return Buffer.from(formatIp(address).split(".").map(Number));
  return Buffer.from(address.value.toString(16).padStart(32, "0"), "hex");
}
