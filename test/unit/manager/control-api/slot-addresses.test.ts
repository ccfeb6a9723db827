import assert from "node:assert/strict";
import type { NetworkAttachmentSpec, NetworkSpec, ServiceSpec } from "../../../../src/model/cluster.ts";
import { asId, type TaskId } from "../../../../src/model/ids.ts";
import { aSpec, aTask } from "../store/objects.ts";
import { aCluster, created, specWith, theService, type TestCluster } from "./cluster.ts";

const NETWORK: NetworkSpec = {
  ...{ name: "app", labels: {}, driver: "overlay", driverOptions: {}, scope: "swarm" },
  ...{ isInternal: false, isAttachable: true, isIngress: false, isIpv6: false },
  ipam: [{ subnet: "10.9.0.0/24", auxiliaryAddresses: { printer: "10.9.0.50" } }],
};

function webWith(addresses: readonly string[], more: Partial<ServiceSpec> = {}, network = "app"): ServiceSpec {
  return { ...specWith("web", { task: { networks: [{ target: network, addresses }] } }), ...more };
}

describe("addresses of a service's slots", () => {
  let cluster: TestCluster;
  let networkId: string;
  beforeEach(async () => {
    cluster = await aCluster();
    networkId = await created(cluster, { kind: "create-network", spec: NETWORK });
    await created(cluster, { kind: "create-network", spec: { ...NETWORK, name: "pooled", ipam: [] } });
  });

  const create = (spec: ServiceSpec) => created(cluster, { kind: "create-service", spec });
  const networksOf = async (id: string): Promise<readonly NetworkAttachmentSpec[]> =>
    (await theService(cluster, id)).spec.task.networks;
  const update = async (id: string, spec: ServiceSpec, rollback = false) => {
    const { version } = await theService(cluster, id);
    return cluster.call({ kind: "update-service", id: asId(id), version, spec, rollback });
  };

  it("are stored with the network's id", async () => {
    assert.deepEqual(await networksOf(await create(webWith(["10.9.0.20-10.9.0.29"]))), [
      { target: networkId, addresses: ["10.9.0.20-10.9.0.29"] },
    ]);
  });

  const policy = { parallelism: 1, delayNs: 0, failureAction: "pause", maxFailureRatio: 0, order: "start-first" } as const;
  const startFirst =
    "tasks with addresses by their slots cannot be updated start-first: a new task needs the address of the old one";
  const ONE = ["10.9.0.20"];
  const refusals: [string, ServiceSpec, string][] = [
    [
      "of a global service",
      webWith(ONE, { mode: { kind: "global" } }),
      "only tasks of a replicated service have slots, and addresses by them",
    ],
    ["that start before the old ones stop", webWith(ONE, { update: policy }), startFirst],
    ["that would do so in a rollback", webWith(ONE, { rollback: policy }), startFirst],
    ["that are none", webWith(["10.9.0"]), 'invalid address "10.9.0": it must be like 10.0.1.20 or 10.0.1.20-10.0.1.29'],
    ["given twice", webWith(["10.9.0.20-10.9.0.25", "10.9.0.22"]), "address 10.9.0.22 is given twice on network app"],
    [
      "too few",
      webWith(ONE, { mode: { kind: "replicated", replicas: 2 } }),
      "2 replicas need as many addresses on network app: 1 are given",
    ],
    ["too many", webWith(["10.0.0.0-10.255.0.0"]), "16711681 addresses on network app: more than 4096"],
    ["outside the subnet", webWith(["10.9.0.250-10.9.1.2"]), "network app (10.9.0.0/24) has no address 10.9.1.2 to give"],
    ["that are broadcast", webWith(["10.9.0.255"]), "network app (10.9.0.0/24) has no address 10.9.0.255 to give"],
    ["the gateway's", webWith(["10.9.0.1"]), "address 10.9.0.1 on network app is its gateway"],
    ["kept for a printer", webWith(["10.9.0.40-10.9.0.60"]), "address 10.9.0.50 on network app is an auxiliary address"],
    [
      "in a subnet that nobody chose",
      webWith(ONE, {}, "pooled"),
      "user specified IP address is supported only when connecting to networks with user configured subnets",
    ],
    [
      "on the nodes' own network",
      webWith(ONE, {}, "host"),
      "network host000000000000000000000 is the nodes' own: slots have no addresses there",
    ],
  ];
  for (const [what, spec, message] of refusals) {
    it(`are refused ${what}`, async () => {
      await assert.rejects(create(spec), { kind: "invalid", message: `rpc error: code = InvalidArgument desc = ${message}` });
      assert.equal(cluster.store.view().count("service"), 0);
    });
  }

  it("are refused where another service, task or container has them, unless it is on its way out", async () => {
    const other = await create({ ...webWith(["10.9.0.30-10.9.0.39"]), name: "other" });
    const service = await theService(cluster, other);
    const virtualIps = [{ networkId: asId<never>(networkId), address: "10.9.0.2/24" }];
    const taskOf = (id: string, address: string, more: object = {}) =>
      aTask(id, {
        serviceId: asId("dynamic"),
        networks: [{ networkId: asId(networkId), addresses: [address], aliases: [] }],
        ...more,
      });
    const changes = [
      {
        table: "service",
        object: { ...service, endpoint: { ports: [], virtualIps } },
        basedOn: service.version,
      },
      { table: "task", object: taskOf("t1", "10.9.0.3/24"), basedOn: 0 },
      { table: "task", object: taskOf("t2", "10.9.0.4/24", { desiredState: "shutdown" }), basedOn: 0 },
    ].map(change => ({ kind: "put", ...change }) as never);
    assert.equal((await cluster.proposals.propose({ changes, reliesOn: [] })).kind, "applied");
    for (const [address, who] of [
      ["10.9.0.2", "the virtual address of service other"],
      ["10.9.0.3", "held by task t1"],
      ["10.9.0.35", "kept by service other"],
    ] as const) {
      const message = `rpc error: code = InvalidArgument desc = address ${address} on network app is ${who}`;
      await assert.rejects(create(webWith([address])), { kind: "invalid", message });
    }
    await cluster.call({ kind: "remove-service", idOrName: other });
    await create(webWith(["10.9.0.2", "10.9.0.4", "10.9.0.35"]));
  });

  it("are one's, whoever else asked in the same moment", async () => {
    const service = await theService(cluster, await create(webWith(ONE)));
    const twin = { ...service, id: asId<never>("twin"), version: 0, spec: { ...service.spec, name: "twin" } };
    const result = await cluster.proposals.propose({
      changes: [{ kind: "put", table: "service", object: twin, basedOn: 0 }],
      reliesOn: [],
    });
    const message = `slot address 10.9.0.20 of network ${networkId} is held by ${service.id}`;
    assert.deepEqual(result, { kind: "refused", reason: "conflict", message });
  });

  it("stay where an update is silent about them, and go where it is not", async () => {
    const id = await create(webWith(ONE));
    await update(id, specWith("web", { container: { env: ["A=1"] }, task: { networks: [{ target: "app" }] } }));
    assert.deepEqual(await networksOf(id), [{ target: networkId, addresses: ONE }]);
    const message = "rpc error: code = InvalidArgument desc = 2 replicas need as many addresses on network app: 1 are given";
    const scaled = specWith("web", { mode: { kind: "replicated", replicas: 2 }, task: { networks: [{ target: "app" }] } });
    await assert.rejects(update(id, scaled), { kind: "invalid", message });
    await update(id, webWith(["10.9.0.21"]));
    await update(id, webWith([]));
    assert.deepEqual(await networksOf(id), [{ target: networkId }]);
  });

  it("are kept for a rollback, and free after the next update", async () => {
    const id = await create(webWith(ONE));
    const without = (image: string) =>
      specWith("web", { container: { image }, task: { networks: [{ target: "app", addresses: [] }] } });
    await update(id, without("busybox:2"));
    const other = { ...webWith(ONE), name: "other" };
    await assert.rejects(create(other), { message: /address 10\.9\.0\.20 on network app is kept by service web/ });
    await update(id, aSpec("web"), true);
    assert.deepEqual(await networksOf(id), [{ target: networkId, addresses: ONE }]);
    await update(id, without("busybox:3"));
    await update(id, without("busybox:4"));
    await create(other);
  });

  it("are no others' who ask for one by name", async () => {
    await create(webWith(ONE));
    const { ipam } = NETWORK;
    const network = cluster.store.view().get("network", asId(networkId));
    assert.ok(network);
    const object = { ...network, ipam: ipam.map(each => ({ ...each, subnet: "10.9.0.0/24", gateway: "10.9.0.1" })) };
    await cluster.proposals.propose({
      changes: [{ kind: "put", table: "network", object, basedOn: network.version }],
      reliesOn: [],
    });
    await assert.rejects(
      cluster.call({
        kind: "attach-container",
        ...{ id: asId<TaskId>("d"), nodeId: asId("node1"), network: "app", containerId: "d", containerName: "d", aliases: [] },
        addresses: ONE,
      }),
      { kind: "invalid", message: /address 10\.9\.0\.20 is in use or not one of network app/ },
    );
  });
});
