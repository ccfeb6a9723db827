import assert from "node:assert/strict";
import fc from "fast-check";
import type { GenericResource } from "../../../src/model/resources.ts";
import { claim, hasEnough, holds, without } from "../../../src/scheduler/generic-resources.ts";
import { place } from "../../../src/scheduler/place.ts";
import { aRequest, aView } from "./fixtures.ts";

const ssd = (value: number): GenericResource => ({ kind: "ssd", value });
const gpu = (value: number | string): GenericResource => ({ kind: "gpu", value });
const named = ["one", "two", "three"].map(gpu);
const cpuAndMemory = { nanoCpus: 0, memoryBytes: 0 };

function viewWith(id: string, generic: readonly GenericResource[]) {
  return aView({ id, available: { nanoCpus: 4e9, memoryBytes: 8e9, generic } });
}

function requestFor(taskId: string, generic: readonly GenericResource[]) {
  return aRequest({ taskId, reservations: { ...cpuAndMemory, generic } });
}

describe("generic resources", () => {
  const cases = [
    { when: "the node has the kind, and enough of it", has: [ssd(3)], wants: [ssd(3)], enough: true, gets: [ssd(3)] },
    { when: "there is one too few", has: [ssd(3)], wants: [ssd(4)], enough: false },
    { when: "the node has no such kind", has: [ssd(3)], wants: [gpu(1)], enough: false },
    { when: "none of a kind is wanted, and there is none", has: [], wants: [gpu(0)], enough: false },
    { when: "none of a kind is wanted of what has names", has: named, wants: [gpu(0)], enough: true, gets: [] },
    { when: "some have names", has: named, wants: [gpu(2)], enough: true, gets: [gpu("one"), gpu("two")] },
    { when: "more are wanted than have names", has: named, wants: [gpu(4)], enough: false },
    { when: "both kinds are wanted", has: [...named, ssd(2)], wants: [ssd(1), gpu(1)], enough: true, gets: [ssd(1), gpu("one")] },
    { when: "one of both is not there", has: [...named], wants: [ssd(1), gpu(1)], enough: false },
    { when: "it is asked for by name, which no task may", has: named, wants: [gpu("one")], enough: false },
  ];
  for (const { when, has, wants, enough, gets } of cases) {
    it(`${enough ? "are" : "are not"} given when ${when}`, () => {
      assert.equal(hasEnough(has, wants), enough);
      if (gets !== undefined) assert.deepEqual(claim(has, wants), gets);
    });
  }

  it("leave the rest, and nothing of a kind that is used up", () => {
    assert.deepEqual(without([...named, ssd(3)], [gpu("two"), ssd(1), ssd(1)]), [gpu("one"), gpu("three"), ssd(1)]);
    assert.deepEqual(without([ssd(2), gpu("one")], [ssd(2), gpu("one")]), []);
    assert.deepEqual(without([ssd(1)], [ssd(5), gpu("gone")]), []);
  });

  it("are had no more when a node has fewer, other names or another form of them", () => {
    assert.ok(holds([...named, ssd(3)], [gpu("one"), ssd(1), ssd(2)]));
    assert.ok(!holds([ssd(2)], [ssd(1), ssd(2)]));
    assert.ok(!holds([gpu("two")], [gpu("one")]));
    assert.ok(!holds([gpu(3)], [gpu("one")]));
    assert.ok(!holds(named, [gpu(1)]));
  });
});

describe("placing tasks with generic resources", () => {
  it("gives each task names of its own, and says why there is no room for another", () => {
    const tasks = ["a", "b", "c"].map(id => requestFor(id, [gpu(1)]));
    const { assigned, claimed, reasons } = place(tasks, [viewWith("n1", named.slice(0, 2)), viewWith("n2", [])]);
    assert.deepEqual([...assigned.values()], ["n1", "n1"]);
    assert.deepEqual([...claimed.values()], [[gpu("one")], [gpu("two")]]);
    assert.deepEqual([...reasons], [["c", "no suitable node (insufficient resources on 2 nodes)"]]);
  });

  it("never gives more than there is, nor one name twice", () => {
    const anyResources = fc.record({ gpus: fc.integer({ min: 0, max: 4 }), ssds: fc.integer({ min: 0, max: 4 }) });
    const nodes = fc.array(anyResources, { maxLength: 4 });
    const tasks = fc.array(anyResources, { maxLength: 10 });
    fc.assert(
      fc.property(nodes, tasks, (having, wanting) => {
        const views = having.map(({ gpus, ssds }, index) =>
          viewWith(`n${index}`, [
            ...Array.from({ length: gpus }, (_, name) => gpu(`g${name}`)),
            ...(ssds > 0 ? [ssd(ssds)] : []),
          ]),
        );
        const requests = wanting.map(({ gpus, ssds }, index) =>
          aRequest({
            ...{ taskId: `t${index}`, serviceId: `s${index}` },
            reservations: { ...cpuAndMemory, generic: [gpu(gpus), ssd(ssds)].filter(({ value }) => value !== 0) },
          }),
        );
        const { assigned, claimed } = place(requests, views);
        for (const { node, available } of views) {
          const given = [...assigned].filter(([, id]) => id === node.id).flatMap(([task]) => claimed.get(task) ?? []);
          const names = given.filter(({ kind }) => kind === "gpu");
          assert.equal(new Set(names.map(({ value }) => value)).size, names.length);
          assert.ok(holds(available.generic ?? [], given));
        }
        for (const { taskId, reservations } of requests) {
          if (!assigned.has(taskId)) continue;
          const wanted = (reservations.generic ?? []).reduce((sum, { value }) => sum + Number(value), 0);
          const got = (claimed.get(taskId) ?? []).reduce((sum, { value }) => sum + (typeof value === "number" ? value : 1), 0);
          assert.equal(got, wanted);
        }
      }),
    );
  });
});
