import assert from "node:assert/strict";
import { type ClusterView, clusterView, type NetworkAssignment } from "../../../src/network/cluster-view.ts";
import { ingressMac, ingressTables } from "../../../src/network/ingress-table.ts";
import { ingressRoutes, publishedServices } from "../../../src/network/ingress-view.ts";
import { virtualAddresses, virtualAddressTable } from "../../../src/network/service-addresses.ts";
import { asId, type EngineNetworkId, type NodeId } from "../../../src/model/ids.ts";

const NET = "net";
const INGRESS = "ingress";

interface TestEndpoint {
  readonly task: string;
  readonly service?: string;
  readonly node: string;
  readonly isServing?: boolean;
  readonly number: number;
}

function view(endpoints: readonly TestEndpoint[], { mode = "vip" }: { readonly mode?: string } = {}): ClusterView {
  const network = (id: string) => ({ kind: "network", network: { id, spec: { isIngress: id === INGRESS } } });
  const peer = (node: number) => ({
    kind: "peer",
    peer: { nodeId: `n${node}`, address: `192.0.2.${node}`, ingressNumber: node, ingressAddress: `10.0.0.${node + 1}/24` },
  });
  const service = {
    id: "web",
    name: "Web",
    endpointMode: mode,
    virtualIps: mode === "vip" ? [{ networkId: NET, address: "10.0.1.2/24" }] : [],
    ports: [
      { protocol: "tcp", targetPort: 80, publishedPort: 8080, publishMode: "ingress" },
      { protocol: "tcp", targetPort: 81, publishedPort: 8081, publishMode: "host" },
    ],
  };
  const assignments = [
    network(NET),
    network(INGRESS),
    peer(1),
    peer(2),
    { kind: "service", service },
    ...endpoints.map(({ task, service: serviceId = "web", node, isServing = true, number }) => ({
      kind: "endpoint",
      endpoint: {
        taskId: task,
        serviceId,
        taskName: `web.${task}`,
        nodeId: node,
        isServing,
        networks: [
          { networkId: NET, address: `10.0.1.${number}/24`, aliases: ["www"] },
          { networkId: INGRESS, address: `10.0.0.${number}/24`, aliases: [] },
        ],
      },
    })),
  ];
  return clusterView(assignments as unknown as readonly NetworkAssignment[]);
}

const two = view([
  { task: "b", node: "n2", number: 12 },
  { task: "a", node: "n1", number: 11 },
  { task: "c", node: "n1", number: 13, isServing: false },
  { task: "d", node: "n3", number: 14 }, // A node that nobody knows yet.
]);
const on = (id: string) => new Set([asId<EngineNetworkId>(id)]);

describe("service addresses", () => {
  it("lead to the tasks that serve, in the same order everywhere", () => {
    assert.deepEqual(virtualAddresses(two, on(NET)), [
      { address: "10.0.1.2", backends: ["10.0.1.11", "10.0.1.12", "10.0.1.14"] },
    ]);
    assert.deepEqual(virtualAddresses(two, on("other")), []);
  });

  it("have one chain per number of tasks", () => {
    const table = virtualAddressTable([
      { address: "10.0.1.2", backends: ["10.0.1.3", "10.0.1.4"] },
      { address: "10.0.1.5", backends: ["10.0.1.6", "10.0.1.7"] },
      { address: "10.0.1.8", backends: [] },
    ]);
    assert.equal(table.match(/chain k/g)?.length, 1);
    assert.match(table, /elements = \{ 10\.0\.1\.2 : goto k2, 10\.0\.1\.5 : goto k2 \}/);
    assert.match(table, /10\.0\.1\.5 \. 1 : 10\.0\.1\.7/);
    assert.match(table, /set known .*10\.0\.1\.8/);
  });
});

describe("ingress", () => {
  const nodeId = asId<NodeId>("n1");

  it("sends to local tasks at their address on the host, to others by way of theirs", () => {
    const localTasks = new Map([["10.0.0.11", "172.18.0.5"]]);
    assert.deepEqual(publishedServices(two, { nodeId, localTasks }), [
      { protocol: "tcp", publishedPort: 8080, targetPort: 80, backends: ["172.18.0.5", "10.0.0.12"] },
    ]);
    assert.deepEqual([...ingressRoutes(two, nodeId)], [["10.0.0.12", "10.0.0.3"]]);
  });

  it("sends nothing to a local task that is not up", () => {
    assert.deepEqual(publishedServices(two, { nodeId, localTasks: new Map() })[0]?.backends, ["10.0.0.12"]);
  });

  it("tells hosts apart by MAC address, mark and zone", () => {
    assert.equal(ingressMac(258), "02:00:00:00:01:02");
    const [self, ...peers] = [...two.peers.values()];
    assert.ok(self !== undefined);
    const tables = ingressTables({ vxlanPort: 7777, self, peers, services: [], local: [], bridgeSubnets: ["172.17.0.0/16"] });
    assert.match(tables, /map node_mark .*02:00:00:00:00:02 : 0x5a000002/);
    assert.match(tables, /map node_zone .*02:00:00:00:00:02 : 2/);
    assert.match(tables, /map node_mac .*0x5a000002 : 02:00:00:00:00:02/);
    assert.match(tables, /udp dport 7777 .*saddr != @nodes drop/);
    assert.match(tables, /set nodes .*192\.0\.2\.1, 192\.0\.2\.2/);
  });
});
