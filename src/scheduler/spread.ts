import type { Node } from "../model/cluster.ts";
import type { ServiceId } from "../model/ids.ts";
import type { NodeLoad } from "./node-view.ts";

/** Nodes that may take tasks of one service, least loaded first, in the branches its spread preferences ask for. */
export class SpreadTree {
  readonly #serviceId: ServiceId;
  readonly #root: Branch;

  constructor(options: {
    readonly serviceId: ServiceId;
    readonly descriptors: readonly string[];
    readonly candidates: readonly NodeLoad[];
    /** Counted in their branch, though they take nothing. */
    readonly others: readonly NodeLoad[];
  }) {
    this.#serviceId = options.serviceId;
    this.#root = { taskCount: 0, candidateCount: 0, children: new Map(), heap: [] };
    for (const load of options.others) this.#enter(load, options.descriptors);
    for (const load of options.candidates) {
      const path = this.#enter(load, options.descriptors);
      for (const branch of path) branch.candidateCount++;
      path.at(-1)?.heap.push(load);
    }
    for (const leaf of leaves(this.#root)) heapify(leaf.heap, this.#compare);
  }

  /** The node that the next task goes to, and what to say once it has taken it. */
  next(): { readonly load: NodeLoad; readonly settle: (options: { readonly isFull: boolean }) => void } | undefined {
    if (this.#root.candidateCount === 0) return undefined;
    const path = [this.#root];
    let branch = this.#root;
    while (branch.children.size > 0) {
      branch = emptiestChild(branch);
      path.push(branch);
    }
    const [load] = branch.heap;
    if (load === undefined) return undefined;
    const settle = ({ isFull }: { readonly isFull: boolean }): void => {
      for (const step of path) step.taskCount++;
      if (isFull) {
        for (const step of path) step.candidateCount--;
        const last = branch.heap.pop();
        if (last !== undefined && last !== load) branch.heap[0] = last;
      }
      siftDown(branch.heap, { from: 0, compare: this.#compare });
    };
    return { load, settle };
  }

  #enter(load: NodeLoad, descriptors: readonly string[]): Branch[] {
    const path = [this.#root];
    const count = load.tasksByService.get(this.#serviceId) ?? 0;
    this.#root.taskCount += count;
    let branch = this.#root;
    for (const descriptor of descriptors) {
      const value = labelOf(load.node, descriptor);
      const child: Branch = branch.children.get(value) ?? { taskCount: 0, candidateCount: 0, children: new Map(), heap: [] };
      branch.children.set(value, child);
      child.taskCount += count;
      path.push(child);
      branch = child;
    }
    return path;
  }

  readonly #compare: Compare = (a, b) =>
    (a.tasksByService.get(this.#serviceId) ?? 0) - (b.tasksByService.get(this.#serviceId) ?? 0) ||
    a.taskCount - b.taskCount ||
    reservedShare(a) - reservedShare(b) ||
    (a.id < b.id ? -1 : 1);
}

interface Branch {
  taskCount: number;
  candidateCount: number;
  readonly children: Map<string, Branch>;
  readonly heap: NodeLoad[];
}

type Compare = (a: NodeLoad, b: NodeLoad) => number;

function* leaves(branch: Branch): Iterable<Branch> {
  if (branch.children.size === 0) yield branch;
  for (const child of branch.children.values()) yield* leaves(child);
}

/** Ties go by the label's value, so that the choice does not hang on the order of nodes. */
function emptiestChild({ children }: Branch): Branch {
  let best: { readonly value: string; readonly child: Branch } | undefined;
  for (const [value, child] of children) {
    if (child.candidateCount === 0) continue;
    const isBetter =
      best === undefined ||
      child.taskCount < best.child.taskCount ||
      (child.taskCount === best.child.taskCount && value < best.value);
    if (isBetter) best = { value, child };
  }
  if (best === undefined) throw new RangeError("a branch with candidates has no child with candidates");
  return best.child;
}

function labelOf(node: Node, descriptor: string): string {
  const name = descriptor.toLowerCase();
  if (name.startsWith("node.labels.")) return node.spec.labels[descriptor.slice("node.labels.".length)] ?? "";
  if (name.startsWith("engine.labels.")) return node.description?.engine.labels[descriptor.slice("engine.labels.".length)] ?? "";
  return "";
}

/** Reserved processors and memory as parts of the node's own, added up: 0 to 2. */
function reservedShare({ node, available }: NodeLoad): number {
  const total = node.description?.resources;
  if (total === undefined) return 0;
  const share = (free: number, all: number): number => (all === 0 ? 0 : 1 - free / all);
  return share(available.nanoCpus, total.nanoCpus) + share(available.memoryBytes, total.memoryBytes);
}

function heapify(heap: NodeLoad[], compare: Compare): void {
  for (let index = (heap.length >> 1) - 1; index >= 0; index--) siftDown(heap, { from: index, compare });
}

function siftDown(heap: NodeLoad[], { from, compare }: { readonly from: number; readonly compare: Compare }): void {
  let index = from;
  const item = heap[index];
  if (item === undefined) return;
  for (;;) {
    let child = 2 * index + 1;
    let smaller = heap[child];
    if (smaller === undefined) break;
    const right = heap[child + 1];
    if (right !== undefined && compare(right, smaller) < 0) {
      child++;
      smaller = right;
    }
    if (compare(item, smaller) <= 0) break;
    heap[index] = smaller;
    index = child;
  }
  heap[index] = item;
}
