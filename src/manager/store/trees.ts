import sortedBTree from "sorted-btree";

// The package is CommonJS: an ES module finds the class at `default.default`, a loader that turns modules into CommonJS at `default`.
const loaded: { readonly default?: typeof sortedBTree.default } = sortedBTree;
const BTree = loaded.default ?? (loaded as typeof sortedBTree.default);

/** A persistent map in key order: a clone costs nothing until one of the two is written. */
export type Tree<Value> = InstanceType<typeof BTree<string, Value>>;

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

export function newTree<Value>(): Tree<Value> {
  return new BTree<string, Value>(undefined, compare);
}

/** The values whose keys begin with `prefix`, in key order. */
export function* withPrefix<Value>(tree: Tree<Value>, prefix: string): Generator<Value> {
  for (const [key, value] of tree.entries(prefix)) {
    if (!key.startsWith(prefix)) return;
    yield value;
  }
}
