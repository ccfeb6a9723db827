import assert from "node:assert/strict";
import fc from "fast-check";
import { ClusterNames } from "../../../src/network/cluster-names.ts";
import { type ClusterView, clusterView, type NetworkAssignment } from "../../../src/network/cluster-view.ts";

const NET = "net";
const OTHER = "other";
const at = async () => {};

interface TestTask {
  readonly service?: string;
  readonly node?: string;
  readonly isServing?: boolean;
  readonly aliases?: readonly string[];
  readonly containerId?: string;
}

function service(id: string, { mode = "vip" }: { readonly mode?: string } = {}) {
  const virtualIps = mode === "vip" ? [{ networkId: NET, address: `10.0.1.${100 + id.length}/24` }] : [];
  return { kind: "service", service: { id, name: id === "web" ? "Web" : id, endpointMode: mode, virtualIps, ports: [] } };
}

function task(number: number, options: TestTask = {}) {
  const { service: serviceId = "web", node = "n1", isServing = true, aliases = ["www"], containerId } = options;
  const taskId = `t${number}`;
  const networks = [NET, OTHER].map((networkId, index) => ({
    ...{ networkId, address: `10.0.${index + 1}.${number}/24`, aliases: networkId === NET ? aliases : [] },
  }));
  const endpoint = { taskId, serviceId, taskName: `${serviceId}.${taskId}`, nodeId: node, isServing, networks };
  return { kind: "endpoint", endpoint: { ...endpoint, ...(containerId !== undefined && { containerId }) } };
}

const peer = (node: string, { isDown = false } = {}) => ({ kind: "peer", peer: { nodeId: node, address: "192.0.2.1", isDown } });

function view(...assignments: readonly unknown[]): ClusterView {
  return clusterView(assignments as readonly NetworkAssignment[]);
}

async function named(...views: readonly ClusterView[]): Promise<ClusterNames> {
  const names = new ClusterNames();
  for (const each of views) await names.update(each, at);
  return names;
}

describe("names on cluster networks", () => {
  const tasks = [task(12), task(11), task(13, { isServing: false }), task(14, { node: "n9" })];
  const serving = ["10.0.1.11", "10.0.1.12", "10.0.1.14"];
  for (const [name, vip, dnsrr] of [
    ["web", ["10.0.1.103"], serving],
    ["www", ["10.0.1.103"], serving],
    ["TASKS.web", serving, serving],
    ["tasks.www", serving, serving],
    ["web.t13", ["10.0.1.13"], ["10.0.1.13"]],
    ["nobody", undefined, undefined],
  ] as const) {
    it(`resolve ${name}`, async () => {
      assert.deepEqual((await named(view(service("web"), ...tasks))).resolve(NET, name), vip);
      assert.deepEqual((await named(view(service("web", { mode: "dnsrr" }), ...tasks))).resolve(NET, name), dnsrr);
    });
  }

  it("know the address of a service that has no task yet", async () => {
    assert.deepEqual((await named(view(service("web")))).resolve(NET, "web"), ["10.0.1.103"]);
  });

  it("give an address its name back", async () => {
    const names = await named(view(service("web"), ...tasks));
    assert.equal(names.reverse(NET, "10.0.1.103"), "Web");
    assert.equal(names.reverse(OTHER, "10.0.2.12"), "web.t12");
  });

  it("stand for both services that share an alias, and for the other when one goes", async () => {
    const [web, db] = [
      [service("web"), task(1)],
      [service("db"), task(2, { service: "db" })],
    ] as const;
    const names = await named(view(...web, ...db));
    assert.deepEqual(names.resolve(NET, "www"), ["10.0.1.103", "10.0.1.102"]);
    await names.update(view(...db), at);
    assert.deepEqual(names.resolve(NET, "www"), ["10.0.1.102"]);
    assert.equal(names.resolve(NET, "web"), undefined);
  });

  it("leave out tasks of a node that is down, and a container made by hand there has its name no more", async () => {
    const byHand = task(5, { service: "", node: "n2", containerId: "c1", aliases: ["tool"] });
    const all = [service("web", { mode: "dnsrr" }), task(1), task(2, { node: "n2" }), byHand];
    const names = await named(view(...all, peer("n2")));
    assert.deepEqual([names.resolve(NET, "web"), names.resolve(NET, "tool")], [["10.0.1.1", "10.0.1.2"], ["10.0.1.5"]]);
    await names.update(view(...all, peer("n2", { isDown: true })), at);
    assert.deepEqual([names.resolve(NET, "web"), names.resolve(NET, "tool")], [["10.0.1.1"], undefined]);
    await names.update(view(...all), at);
    assert.deepEqual([names.resolve(NET, "web"), names.resolve(NET, "tool")], [["10.0.1.1", "10.0.1.2"], ["10.0.1.5"]]);
  });

  it("are, whatever they were before, what they are for whoever knows nothing else", async () => {
    // The same object where nothing of it has changed, as assignments are.
    const pool = [
      ...["web", "db"].flatMap(id => [service(id), service(id, { mode: "dnsrr" })]),
      ...["n1", "n2"].flatMap(node => [peer(node), peer(node, { isDown: true })]),
      ...[1, 2, 3, 4].flatMap(number =>
        ["web", "db", ""].flatMap(id =>
          [true, false].map(isServing =>
            task(number, {
              ...{ service: id, node: `n${(number % 2) + 1}`, isServing, aliases: isServing ? ["www", "x"] : ["x"] },
              ...(id === "" && { containerId: "c" }),
            }),
          ),
        ),
      ),
    ];
    const questions = [
      "web",
      "db",
      "www",
      "x",
      "tasks.web",
      "tasks.x",
      ...[1, 2, 3, 4].flatMap(n => ["web", "db", ""].map(id => `${id}.t${n}`)),
    ];
    const addresses = [1, 2, 3, 4, 102, 103].flatMap(n => [`10.0.1.${n}`, `10.0.2.${n}`]);
    const answers = (names: ClusterNames) => [
      ...questions.map(name => [NET, OTHER].map(id => names.resolve(id, name)?.toSorted())),
      ...addresses.map(address => [NET, OTHER].map(id => names.reverse(id, address))),
    ];
    const views = fc.array(
      fc.subarray(pool).map(chosen => view(...chosen)),
      { minLength: 1, maxLength: 6 },
    );
    await fc.assert(
      fc.asyncProperty(views, async history => {
        assert.deepEqual(answers(await named(...history)), answers(await named(...history.slice(-1))));
      }),
      { numRuns: 300 },
    );
  });

  it("are worked out in slices when all is new, and at once when one task is", async () => {
    const many = Array.from({ length: 5_000 }, (_, number) => task(number, { service: `s${number % 100}` }));
    const services = Array.from({ length: 100 }, (_, number) => service(`s${number}`));
    const names = new ClusterNames();
    let pauses = 0;
    const pause = async () => void pauses++;
    await names.update(view(...services, ...many), pause);
    assert.ok(pauses >= 9, String(pauses));
    pauses = 0;
    await names.update(view(...services, ...many, task(5_001, { service: "s1" })), pause);
    assert.deepEqual([pauses, names.resolve(NET, "s1.t5001")?.length], [0, 1]);
  });
});
