import { SECOND_FORMAT_LEVEL } from "../../codec/format-needs.ts";
import type { Node, NodeDescription } from "../../model/cluster.ts";
import type { Snapshot } from "../store/snapshot.ts";

/** The node with what it says of itself; itself when that is nothing new. @param address - Empty: it does not say where it is. */
export function described(
  node: Node,
  said: {
    readonly description: NodeDescription;
    readonly address: string;
    readonly view: Pick<Snapshot, "formatLevel">;
  },
): Node {
  const description = readable(said.description, said.view);
  const address = said.address === "" ? node.status.address : said.address;
  if (isSame(description, node.description) && address === node.status.address) return node;
  return { ...node, description, status: { ...node.status, address } };
}

/** Without what not all managers can read: until they can, nothing is made of it either. */
function readable(description: NodeDescription, { formatLevel }: Pick<Snapshot, "formatLevel">): NodeDescription {
  if (formatLevel >= SECOND_FORMAT_LEVEL) return description;
  const { tls: _, dataPathAddress: __, ...rest } = description;
  const { nanoCpus, memoryBytes } = description.resources;
  return { ...rest, resources: { nanoCpus, memoryBytes } };
}

function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
