import type { Node } from "../model/cluster.ts";
import type { ServiceId } from "../model/ids.ts";
import type { NodeLoad } from "./node-view.ts";

/** Nodes that may take tasks of one service, least loaded first, in the branches its spread preferences ask for. */
export class SpreadTree {
  readonly #serviceId: ServiceId;
  readonly #root: Branch;
  readonly #rootPath: Branch[];

  constructor(options: {
    readonly serviceId: ServiceId;
    readonly descriptors: readonly string[];
    readonly candidates: readonly NodeLoad[];
    /** Counted in their branch, though they take nothing. */
    readonly others: readonly NodeLoad[];
  }) {
    this.#serviceId = options.serviceId;
    this.#root = { taskCount: 0, candidateCount: 0, children: new Map(), heap: [] };
    this.#rootPath = [this.#root];
    for (const load of options.others) this.#enter(load, options.descriptors);
    for (const load of options.candidates) {
      const path = this.#enter(load, options.descriptors);
      for (const branch of path) branch.candidateCount++;
      path.at(-1)?.heap.push(load);
    }
    for (const leaf of leaves(this.#root)) heapify(leaf.heap);
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
      siftDown(branch.heap, 0);
    };
    return { load, settle };
  }

  #enter(load: NodeLoad, descriptors: readonly string[]): readonly Branch[] {
    const path = descriptors.length === 0 ? this.#rootPath : [this.#root];
    const count = load.rankFor(this.#serviceId);
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
}

interface Branch {
  taskCount: number;
  candidateCount: number;
  readonly children: Map<string, Branch>;
  readonly heap: NodeLoad[];
}

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

function heapify(heap: NodeLoad[]): void {
  for (let index = (heap.length >> 1) - 1; index >= 0; index--) siftDown(heap, index);
}

function siftDown(heap: NodeLoad[], from: number): void {
  let index = from;
  const item = heap[index];
  if (item === undefined) return;
  for (;;) {
    let child = 2 * index + 1;
    let smaller = heap[child];
    if (smaller === undefined) break;
    const right = heap[child + 1];
    if (right?.isBefore(smaller) === true) {
      child++;
      smaller = right;
    }
    if (!smaller.isBefore(item)) break;
    heap[index] = smaller;
    index = child;
  }
  heap[index] = item;
}
