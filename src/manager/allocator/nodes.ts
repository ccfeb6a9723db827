import type { Node } from "../../model/cluster.ts";
import type { Change } from "../store/change.ts";
import type { Snapshot } from "../store/snapshot.ts";
import type { AddressBook } from "./address-book.ts";
import { ingressNetwork } from "./attachments.ts";

/** Also a conntrack zone, which has 16 bits; 0 and 65535 mean something else there. */
const INGRESS_NUMBER_MAX = 65_534;

/** Gives nodes their number and their address in the ingress network. */
export function planNodes(
  view: Snapshot,
  { addresses, budget }: { readonly addresses: AddressBook; readonly budget: number },
): readonly Change[] {
  const ingress = ingressNetwork(view);
  const needy = [...view.all("node")].filter(
    node => node.ingressNumber === undefined || (node.ingressAddress === undefined && ingress?.vxlanId !== undefined),
  );
  if (needy.length === 0) return [];
  const numbers = new Set(
    [...view.all("node")].flatMap(({ ingressNumber }) => (ingressNumber === undefined ? [] : [ingressNumber])),
  );
  const changes: Change[] = [];
  for (const node of needy.slice(0, Math.max(0, budget))) {
    const ingressNumber = node.ingressNumber ?? lowestFree(numbers);
    if (ingressNumber === undefined) break;
    numbers.add(ingressNumber);
    const ingressAddress = node.ingressAddress ?? (ingress === undefined ? undefined : addresses.take(ingress));
    if (node.ingressNumber === ingressNumber && node.ingressAddress === ingressAddress) continue;
    const object: Node = { ...node, ingressNumber, ...(ingressAddress !== undefined && { ingressAddress }) };
    changes.push({ kind: "put", table: "node", object, basedOn: node.version });
  }
  return changes;
}

function lowestFree(taken: ReadonlySet<number>): number | undefined {
  for (let number = 1; number <= INGRESS_NUMBER_MAX; number++) if (!taken.has(number)) return number;
  return undefined;
}
