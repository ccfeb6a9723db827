import assert from "node:assert/strict";
import { SeededRandom } from "../seeded-random.ts";
import { checkByPart, checkLinearizable } from "./checker.ts";
import { type ClusterOperation, type ObjectInput, objectModel, type ObjectOutput, type Shown } from "./cluster-objects.ts";

const create = (name: string, spec = "1"): ObjectInput => ({ kind: "create", name, spec });
const update = (version: number, spec: string, id = "x"): ObjectInput => ({ kind: "update", name: "a", id, version, spec });
const remove: ObjectInput = { kind: "remove", name: "a" };
const inspect: ObjectInput = { kind: "inspect", name: "a" };
const list: ObjectInput = { kind: "list" };
const created = (id = "x"): ObjectOutput => ({ kind: "created", id });
const done: ObjectOutput = { kind: "done" };
const refused = (why: "exists" | "absent" | "out of sequence"): ObjectOutput => ({ kind: "refused", why });
const shown = (spec: string, version: number, { name = "a", id = "x" } = {}): Shown => ({ name, id, version, spec });
const shows = (...objects: readonly Shown[]): ObjectOutput => ({ kind: "shown", objects });

/** From when to when, what was asked, what was answered. */
type Line = readonly [calledAt: number, returnedAt: number, input: ObjectInput, output: ObjectOutput | undefined];

function isRight(lines: readonly Line[], { isWrittenByCluster = false, isRolledBack = false, isMixed = false } = {}): boolean {
  const history = lines.map(
    ([calledAt, returnedAt, input, output]): ClusterOperation => ({ calledAt, returnedAt, input, output }),
  );
  return checkLinearizable(history, objectModel({ isWrittenByCluster, isRolledBack, isMixed })).isLinearizable;
}

const RIGHT: Readonly<Record<string, readonly Line[]>> = {
  "one after another": [
    [0, 1, create("a"), created()],
    [2, 3, inspect, shows(shown("1", 7))],
    [4, 5, update(7, "2"), done],
    [6, 7, inspect, shows(shown("2", 9))],
    [8, 9, remove, done],
    [10, 11, inspect, refused("absent")],
  ],
  "a read beside a write sees the new": [
    [0, 1, create("a"), created()],
    [2, 3, inspect, shows(shown("1", 7))],
    [4, 9, update(7, "2"), done],
    [5, 6, inspect, shows(shown("2", 8))],
  ],
  "a read beside a write sees the old": [
    [0, 1, create("a"), created()],
    [2, 3, inspect, shows(shown("1", 7))],
    [4, 9, update(7, "2"), done],
    [5, 6, inspect, shows(shown("1", 7))],
  ],
  "of two writers at the same version one loses": [
    [0, 1, create("a"), created()],
    [2, 3, inspect, shows(shown("1", 7))],
    [4, 8, update(7, "2"), done],
    [5, 9, update(7, "3"), refused("out of sequence")],
    [10, 11, inspect, shows(shown("2", 8))],
  ],
  "of two creators of one name one loses": [
    [0, 5, create("a", "1"), refused("exists")],
    [1, 4, create("a", "2"), created("y")],
    [6, 7, inspect, shows(shown("2", 3, { id: "y" }))],
  ],
  "a write of unknown outcome was kept": [
    [0, 1, create("a"), created()],
    [2, 3, inspect, shows(shown("1", 7))],
    [4, 5, update(7, "2"), undefined],
    [6, 7, inspect, shows(shown("2", 9))],
  ],
  "a write of unknown outcome was lost": [
    [0, 1, create("a"), created()],
    [2, 3, inspect, shows(shown("1", 7))],
    [4, 5, update(7, "2"), undefined],
    [6, 7, inspect, shows(shown("1", 7))],
    [8, 9, update(7, "3"), done],
  ],
  "a write of unknown outcome comes long after": [
    [0, 1, create("a"), undefined],
    [2, 3, inspect, refused("absent")],
    [4, 5, list, shows()],
    [6, 7, inspect, shows(shown("1", 5))],
  ],
  "a name is used again by another object": [
    [0, 1, create("a"), created("x")],
    [2, 3, remove, done],
    [4, 5, create("a", "2"), created("y")],
    [6, 7, update(3, "3", "x"), refused("absent")],
    [8, 9, inspect, shows(shown("2", 6, { id: "y" }))],
  ],
  "a list sees the objects of one moment": [
    [0, 1, create("a"), created("x")],
    [2, 9, create("b"), created("y")],
    [3, 4, list, shows(shown("1", 2))],
    [5, 6, list, shows(shown("1", 2), shown("1", 4, { name: "b", id: "y" }))],
  ],
};

const WRONG: Readonly<Record<string, readonly Line[]>> = {
  "an acknowledged create is lost": [
    [0, 1, create("a"), created()],
    [2, 3, inspect, refused("absent")],
  ],
  "a read is stale": [
    [0, 1, create("a"), created()],
    [2, 3, inspect, shows(shown("1", 7))],
    [4, 5, update(7, "2"), done],
    [6, 7, inspect, shows(shown("1", 7))],
  ],
  "both of two writers at the same version win": [
    [0, 1, create("a"), created()],
    [2, 3, inspect, shows(shown("1", 7))],
    [4, 8, update(7, "2"), done],
    [5, 9, update(7, "3"), done],
  ],
  "a read goes back in time beside a write": [
    [0, 1, create("a"), created()],
    [2, 3, inspect, shows(shown("1", 7))],
    [4, 20, update(7, "2"), done],
    [5, 6, inspect, shows(shown("2", 9))],
    [7, 8, inspect, shows(shown("1", 7))],
  ],
  "a name is given twice": [
    [0, 5, create("a"), created("x")],
    [1, 6, create("a"), created("y")],
  ],
  "a create that nobody asked for is in the way": [
    [0, 1, create("a"), refused("exists")],
    [2, 3, inspect, refused("absent")],
  ],
  "a write of unknown outcome is seen and then not": [
    [0, 1, create("a"), created()],
    [2, 3, inspect, shows(shown("1", 7))],
    [4, 5, update(7, "2"), undefined],
    [6, 7, inspect, shows(shown("2", 9))],
    [8, 9, inspect, shows(shown("1", 7))],
  ],
  "a removal is undone": [
    [0, 1, create("a"), created()],
    [2, 3, remove, done],
    [4, 5, inspect, shows(shown("1", 2))],
  ],
  "a write at the present version is refused": [
    [0, 1, create("a"), created()],
    [2, 3, inspect, shows(shown("1", 7))],
    [4, 5, update(7, "2"), refused("out of sequence")],
  ],
  "a list mixes two moments": [
    [0, 1, create("a"), created("x")],
    [2, 3, inspect, shows(shown("1", 5))],
    [4, 5, update(5, "2"), done],
    [6, 7, create("b"), created("y")],
    [8, 9, list, shows(shown("1", 5), shown("1", 8, { name: "b", id: "y" }))],
  ],
};

describe("the linearizability checker", () => {
  it("has ten histories of either kind", () => {
    assert.deepEqual([Object.keys(RIGHT).length, Object.keys(WRONG).length], [10, 10]);
  });
  for (const [name, lines] of Object.entries(RIGHT)) it(`accepts: ${name}`, () => assert.ok(isRight(lines)));
  for (const [name, lines] of Object.entries(WRONG)) it(`rejects: ${name}`, () => assert.ok(!isRight(lines)));

  it("lets versions rise by themselves where the cluster writes too, and never fall", () => {
    const begin: readonly Line[] = [
      [0, 1, create("a"), created()],
      [2, 3, inspect, shows(shown("1", 7))],
    ];
    const isWrittenByCluster = true;
    assert.ok(isRight([...begin, [4, 5, inspect, shows(shown("1", 9))]], { isWrittenByCluster }));
    assert.ok(!isRight([...begin, [4, 5, inspect, shows(shown("1", 6))]], { isWrittenByCluster }));
    assert.ok(!isRight([...begin, [4, 5, inspect, shows(shown("2", 9))]], { isWrittenByCluster }));
  });

  it("lets a spec go back to the one before where updates are rolled back, once and no further", () => {
    const begin: readonly Line[] = [
      [0, 1, create("a"), created()],
      [2, 3, inspect, shows(shown("1", 7))],
      [4, 5, update(7, "2"), done],
      [6, 7, inspect, shows(shown("2", 8))],
      [8, 9, update(8, "3"), done],
    ];
    const isBack = (spec: string, ...more: readonly Line[]) =>
      isRight([...begin, [10, 11, inspect, shows(shown(spec, 20))], ...more], { isWrittenByCluster: true, isRolledBack: true });
    assert.deepEqual([isBack("3"), isBack("2"), isBack("1")], [true, true, false]);
    assert.ok(!isBack("2", [12, 13, inspect, shows(shown("3", 30))]), "it does not come back by itself");
    assert.ok(!isBack("2", [12, 13, inspect, shows(shown("1", 30))]), "a second time");
    assert.ok(isBack("2", [12, 13, update(20, "4"), done], [14, 15, inspect, shows(shown("2", 40))]));
  });

  it("lets an update name any version that was read with the present spec, where the cluster writes too", () => {
    const begin: readonly Line[] = [
      [0, 1, create("a"), created()],
      [2, 3, inspect, shows(shown("1", 7))],
      [4, 5, inspect, shows(shown("1", 9))],
    ];
    const isWrittenByCluster = true;
    const isFit = (...lines: readonly Line[]) => isRight([...begin, ...lines], { isWrittenByCluster });
    const late = [6, 7, update(7, "2"), refused("out of sequence")] as const;
    assert.ok(isFit([6, 7, update(7, "2"), done]));
    assert.ok(!isFit(late));
    assert.ok(isRight([...begin, late], { isWrittenByCluster, isMixed: true }));
    assert.ok(isFit([6, 7, update(9, "2"), done], [8, 9, update(9, "3"), refused("out of sequence")]));
    assert.ok(!isFit([6, 7, update(9, "2"), done], [8, 9, update(9, "3"), done]));
    assert.ok(!isFit([6, 7, update(7, "2"), done], [8, 9, inspect, shows(shown("2", 12))], [10, 11, update(7, "3"), done]));
    const goneBack: readonly Line[] = [
      [6, 7, update(9, "2"), done],
      [8, 9, inspect, shows(shown("2", 12))],
      [10, 11, update(12, "3"), refused("out of sequence")],
    ];
    assert.ok(isRight([...begin, ...goneBack], { isWrittenByCluster, isRolledBack: true }), "it may have gone back meanwhile");
    assert.ok(!isFit(...goneBack));
  });

  it("says how far an order was found", () => {
    const history = (WRONG["a read is stale"] ?? []).map(([calledAt, returnedAt, input, output]) => ({
      ...{ calledAt, returnedAt, input, output },
    }));
    const verdict = checkLinearizable(history, objectModel({ isWrittenByCluster: false }));
    assert.ok(!verdict.isLinearizable);
    assert.equal(verdict.order.length, 3);
    assert.deepEqual(verdict.stuck, history.slice(3));
  });

  it("decides thousands of calls of ten clients, some of unknown outcome, in a second", () => {
    const history = manyCalls({ seed: 1, count: 5_000, clients: 10 });
    const startMs = performance.now();
    assert.ok(checkByPart(history, objectModel({ isWrittenByCluster: false }), partOf).isLinearizable);
    const broken = history.map((operation, at) =>
      at === 4_900 ? { ...operation, input: inspect, output: shows(shown("never written", 1)) } : operation,
    );
    assert.ok(!checkByPart(broken, objectModel({ isWrittenByCluster: false }), partOf).isLinearizable);
    assert.ok(performance.now() - startMs < 4_000, `it took ${performance.now() - startMs} ms`);
  });

  it("rejects at once where many calls of unknown outcome can have done nothing", () => {
    const stale = Array.from({ length: 40 }, (_, at): Line => [10 + at, 20 + at, update(7, `lost ${at}`), undefined]);
    const lines: readonly Line[] = [
      [0, 1, create("a"), created()],
      [2, 3, inspect, shows(shown("1", 7))],
      [4, 5, update(7, "2"), done],
      [6, 7, inspect, shows(shown("2", 8))],
      ...stale,
      [100, 101, inspect, shows(shown("2", 8))],
    ];
    assert.ok(isRight(lines));
    assert.ok(!isRight([...lines, [102, 103, inspect, shows(shown("never written", 8))]]));
  });
});

function partOf(input: ObjectInput): string {
  return "name" in input ? input.name : "";
}

/** A right history: calls overlap, and each takes effect at a moment drawn between its call and its return. */
function manyCalls({ seed, count, clients }: { readonly seed: number; readonly count: number; readonly clients: number }) {
  const random = new SeededRandom(seed);
  const plans = Array.from({ length: count }, (_, at) => {
    const calledAt = Math.floor(at / clients) * 10 + random.between(0, 5);
    const effectAt = calledAt + random.between(0, 9);
    const name = random.pick(["a", "b", "c", "d"]) ?? "a";
    const kind = random.pick(["create", "update", "remove", "inspect", "inspect"] as const) ?? "inspect";
    return { calledAt, effectAt, returnedAt: effectAt + random.between(0, 3), name, kind, isLost: random.chance(0.003) };
  });
  const objects = new Map<string, Shown>();
  let version = 0;
  return plans
    .toSorted((a, b) => a.effectAt - b.effectAt)
    .map(({ calledAt, returnedAt, name, kind, isLost }): ClusterOperation => {
      const there = objects.get(name);
      const spec = String(++version);
      const at = { calledAt, returnedAt };
      const told = (output: ObjectOutput) => (isLost ? undefined : output);
      const absent = refused("absent");
      switch (kind) {
        case "create":
          if (there === undefined) objects.set(name, { name, id: spec, version, spec });
          return { ...at, input: { kind, name, spec }, output: told(there === undefined ? created(spec) : refused("exists")) };
        case "update": {
          const input: ObjectInput = { kind, name, id: there?.id ?? "none", version: there?.version ?? 0, spec };
          if (there !== undefined) objects.set(name, { ...there, version, spec });
          return { ...at, input, output: told(there === undefined ? absent : done) };
        }
        case "remove":
          objects.delete(name);
          return { ...at, input: { kind, name }, output: told(there === undefined ? absent : done) };
        case "inspect":
          return { ...at, input: { kind, name }, output: told(there === undefined ? absent : shows(there)) };
      }
    });
}
