import assert from "node:assert/strict";
import { entryBytes } from "../../../../src/codec/entry.ts";
import { AddressBook } from "../../../../src/manager/allocator/address-book.ts";
import { planEndpoint, PortBook } from "../../../../src/manager/allocator/endpoint.ts";
import { planNetworks } from "../../../../src/manager/allocator/networks.ts";
import { planNodes } from "../../../../src/manager/allocator/nodes.ts";
import { Store } from "../../../../src/manager/store/store.ts";
import { CLUSTER_DEFAULTS } from "../../../../src/manager/control-api/initial.ts";
import type { Cluster, Network, PortConfig, Service } from "../../../../src/model/cluster.ts";
import type { Change } from "../../../../src/model/entry.ts";
import { asId } from "../../../../src/model/ids.ts";
import { aNode } from "../../scheduler/fixtures.ts";

const META = { version: 0, createdAtMs: 0, updatedAtMs: 0 };

const CLUSTER: Cluster = {
  ...META,
  id: asId("cluster"),
  spec: CLUSTER_DEFAULTS,
  rootCa: { certificatePem: "", keyPem: "", joinTokenWorker: "", joinTokenManager: "" },
  defaultAddressPool: [],
  subnetSize: 24,
  dataPathPort: 4789,
};

class World {
  readonly store = new Store();
  #index = 0;

  apply(changes: readonly Change[]): void {
    const data = entryBytes.encode({ changes, reliesOn: [], atMs: this.#index });
    const result = this.store.apply({ index: ++this.#index, term: 1, data });
    assert.equal(result.kind, "applied");
  }

  network(
    name: string,
    { ipam = [], isIngress = false }: { readonly ipam?: Network["spec"]["ipam"]; readonly isIngress?: boolean } = {},
  ): void {
    const spec = {
      name,
      labels: {},
      driver: "overlay",
      driverOptions: {},
      isInternal: false,
      isAttachable: false,
      isIngress,
      isIpv6: false,
      ipam,
      scope: "swarm",
    } as const;
    this.apply([{ kind: "put", table: "network", object: { ...META, id: asId(`${name}-id`), spec, ipam: [] }, basedOn: 0 }]);
  }

  service(
    name: string,
    {
      networks = [],
      ports = [],
      mode = "vip",
    }: { readonly networks?: readonly string[]; readonly ports?: readonly PortConfig[]; readonly mode?: "vip" | "dnsrr" } = {},
  ): Service {
    const task = {
      container: { image: "a", labels: {} },
      networks: networks.map(network => ({ target: `${network}-id` })),
      forceUpdate: 0,
    };
    const object: Service = {
      ...META,
      id: asId(name),
      revisionId: asId(`${name}-r`),
      spec: { name, labels: {}, task, mode: { kind: "replicated", replicas: 1 }, endpoint: { mode, ports } },
      endpoint: { ports: [], virtualIps: [] },
      isRemoving: false,
      isRollingBack: false,
    };
    this.apply([{ kind: "put", table: "service", object, basedOn: 0 }]);
    return this.serviceNow(name);
  }

  serviceNow(name: string): Service {
    const service = this.store.view().get("service", asId(name));
    assert.ok(service);
    return service;
  }

  networks(): readonly (readonly [string, number | undefined, string | undefined, string | undefined])[] {
    return [...this.store.view().all("network")].map(({ spec, vxlanId, ipam: [ipam] }) => [
      spec.name,
      vxlanId,
      ipam?.subnet,
      ipam?.gateway,
    ]);
  }

  endpoint(name: string): ReturnType<typeof planEndpoint> {
    const view = this.store.view();
    const plan = planEndpoint(view, {
      service: this.serviceNow(name),
      addresses: new AddressBook(view, { nowMs: 0 }),
      ports: new PortBook(view),
    });
    if (plan.kind === "allocated") {
      const service = this.serviceNow(name);
      this.apply([{ kind: "put", table: "service", object: { ...service, endpoint: plan.endpoint }, basedOn: service.version }]);
    }
    return plan;
  }
}

function aWorld(): World {
  const world = new World();
  world.network("ingress", { isIngress: true });
  world.network("app");
  world.apply(planNetworks(world.store.view()));
  return world;
}

describe("networks", () => {
  it("get ids from 4096 and subnets from the pool, ingress the first", () => {
    const world = new World();
    world.network("app");
    world.network("back");
    world.network("ingress", { isIngress: true });
    world.apply(planNetworks(world.store.view()));
    assert.deepEqual(world.networks(), [
      ["app", 4097, "10.0.1.0/24", "10.0.1.1"],
      ["back", 4098, "10.0.2.0/24", "10.0.2.1"],
      ["ingress", 4096, "10.0.0.0/24", "10.0.0.1"],
    ]);
    assert.deepEqual(planNetworks(world.store.view()), []);
  });

  it("keep what the user gave, and others keep off it", () => {
    const world = new World();
    world.network("given", { ipam: [{ subnet: "10.0.1.0/24", gateway: "10.0.1.254" }] });
    world.network("other");
    world.apply(planNetworks(world.store.view()));
    assert.deepEqual(world.networks(), [
      ["given", 4096, "10.0.1.0/24", "10.0.1.254"],
      ["other", 4097, "10.0.2.0/24", "10.0.2.1"],
    ]);
  });

  it("have tunnels to the cluster's port, where that is another one", () => {
    const ports = (dataPathPort: number) => {
      const world = new World();
      world.apply([{ kind: "put", table: "cluster", object: { ...CLUSTER, dataPathPort }, basedOn: 0 }]);
      world.network("ingress", { isIngress: true });
      world.network("app");
      world.apply(planNetworks(world.store.view()));
      return [...world.store.view().all("network")].map(({ vxlanPort }) => vxlanPort);
    };
    assert.deepEqual(ports(7777), [7777, 7777]);
    assert.deepEqual(ports(4789), [undefined, undefined]);
  });

  it("keep also what the user gave without a subnet", () => {
    const world = new World();
    const auxiliaryAddresses = { printer: "10.0.1.9" };
    world.network("given", { ipam: [{ auxiliaryAddresses }] });
    world.apply(planNetworks(world.store.view()));
    assert.deepEqual(world.store.view().get("network", asId("given-id"))?.ipam, [
      { subnet: "10.0.1.0/24", gateway: "10.0.1.1", auxiliaryAddresses },
    ]);
  });

  it("give nobody an address that the user keeps for something else", () => {
    const world = new World();
    world.network("given", { ipam: [{ subnet: "10.0.1.0/24", auxiliaryAddresses: { printer: "10.0.1.2" } }] });
    world.apply(planNetworks(world.store.view()));
    const view = world.store.view();
    const network = view.get("network", asId("given-id"));
    assert.ok(network);
    const book = new AddressBook(view, { nowMs: 0 });
    assert.deepEqual([book.take(network, { wanted: "10.0.1.2" }), book.take(network)], [undefined, "10.0.1.3/24"]);
  });
});

describe("the gateway of a network", () => {
  const gatewayOf = (ipam: Network["spec"]["ipam"]): string | undefined => {
    const world = new World();
    world.network("given", { ipam });
    world.apply(planNetworks(world.store.view()));
    return world.networks()[0]?.[3];
  };
  for (const { when, ipam, gateway } of [
    { when: "is the first address", ipam: [{ subnet: "10.9.0.0/24" }], gateway: "10.9.0.1" },
    { when: "is what the user gave", ipam: [{ subnet: "10.9.0.0/24", gateway: "10.9.0.7" }], gateway: "10.9.0.7" },
    { when: "is what the user gave, also without a subnet", ipam: [{ gateway: "10.0.1.7" }], gateway: "10.0.1.7" },
    { when: "is the first of the range", ipam: [{ subnet: "10.9.0.0/24", ipRange: "10.9.0.64/26" }], gateway: "10.9.0.64" },
    { when: "is no subnet's own address", ipam: [{ subnet: "10.9.0.0/24", ipRange: "10.9.0.0/26" }], gateway: "10.9.0.1" },
  ])
    it(when, () => assert.equal(gatewayOf(ipam), gateway));
});

describe("a service's endpoint", () => {
  const http = { protocol: "tcp", targetPort: 80, publishMode: "ingress" } as const;
  const addresses = (plan: ReturnType<typeof planEndpoint>): readonly string[] =>
    plan.kind === "allocated" ? plan.endpoint.virtualIps.map(({ address }) => address) : [plan.reason];
  const ports = (plan: ReturnType<typeof planEndpoint>): readonly (number | undefined)[] =>
    plan.kind === "allocated" ? plan.endpoint.ports.map(({ publishedPort }) => publishedPort) : [];

  it("has an address on each network, and on the ingress network when it publishes", () => {
    const world = aWorld();
    world.service("plain");
    world.service("inner", { networks: ["app"] });
    world.service("outer", { networks: ["app"], ports: [http] });
    world.service("named", { networks: ["app"], mode: "dnsrr" });
    assert.deepEqual(addresses(world.endpoint("plain")), []);
    assert.deepEqual(addresses(world.endpoint("inner")), ["10.0.1.2/24"]);
    assert.deepEqual(addresses(world.endpoint("outer")), ["10.0.1.3/24", "10.0.0.2/24"]);
    assert.deepEqual(addresses(world.endpoint("named")), []);
  });

  it("keeps its address and port, and picks free ports from 30000 on", () => {
    const world = aWorld();
    world.service("a", { networks: ["app"], ports: [http] });
    world.service("b", { ports: [http, { ...http, protocol: "udp" }] });
    assert.deepEqual(ports(world.endpoint("a")), [30_000]);
    assert.deepEqual(ports(world.endpoint("b")), [30_001, 30_000]);
    assert.deepEqual(world.endpoint("a"), { kind: "allocated", endpoint: world.serviceNow("a").endpoint });
  });

  it("keeps the number of each port when the ports are listed in another order", () => {
    const world = aWorld();
    const udp = { ...http, protocol: "udp" } as const;
    const other = { ...http, targetPort: 81 };
    world.service("a", { ports: [http] });
    world.service("b", { ports: [http, udp, other] });
    world.endpoint("a");
    assert.deepEqual(ports(world.endpoint("b")), [30_001, 30_000, 30_002]);
    const { spec, ...service } = world.serviceNow("b");
    const object = { ...service, spec: { ...spec, endpoint: { mode: "vip", ports: [other, udp, http] } } } as const;
    world.apply([{ kind: "put", table: "service", object, basedOn: service.version }]);
    assert.deepEqual(ports(world.endpoint("b")), [30_002, 30_000, 30_001]);
  });

  it("keeps both numbers of a port that is published twice", () => {
    const world = aWorld();
    world.service("a", { ports: [http, http] });
    assert.deepEqual(ports(world.endpoint("a")), [30_000, 30_001]);
    assert.deepEqual(ports(world.endpoint("a")), [30_000, 30_001]);
  });

  it("takes a port that the service has as a host's for nobody's", () => {
    const world = aWorld();
    const host = { ...http, publishMode: "host", publishedPort: 30_000 } as const;
    world.service("a", { ports: [host] });
    world.service("b", { ports: [http] });
    assert.deepEqual(ports(world.endpoint("a")), [30_000]);
    assert.deepEqual(ports(world.endpoint("b")), [30_000]);
  });

  it("waits while there is no ingress network to publish on", () => {
    const world = new World();
    world.service("a", { ports: [http] });
    assert.deepEqual(world.endpoint("a"), { kind: "waiting", reason: "no ingress network is available" });
  });

  it("waits while another service has its port", () => {
    const world = aWorld();
    world.service("a", { ports: [{ ...http, publishedPort: 8080 }] });
    world.service("b", { ports: [{ ...http, publishedPort: 8080 }] });
    assert.deepEqual(ports(world.endpoint("a")), [8080]);
    assert.deepEqual(world.endpoint("b"), {
      kind: "waiting",
      reason: "port '8080' is already in use by service 'a' (a) as an ingress port",
    });
  });

  it("waits while its network is not allocated", () => {
    const world = aWorld();
    world.network("late");
    world.service("a", { networks: ["late"] });
    assert.deepEqual(world.endpoint("a"), {
      kind: "waiting",
      reason: "could not find an available IP while allocating on network late",
    });
  });
});

describe("nodes", () => {
  it("get a number and an address in the ingress network, each its own", () => {
    const world = aWorld();
    for (const id of ["n1", "n2", "n3"]) world.apply([{ kind: "put", table: "node", object: aNode({ id }), basedOn: 0 }]);
    const view = world.store.view();
    world.apply(planNodes(view, { addresses: new AddressBook(view, { nowMs: 0 }), budget: 100 }));
    assert.deepEqual(
      [...world.store.view().all("node")].map(({ ingressNumber, ingressAddress }) => [ingressNumber, ingressAddress]),
      [
        [1, "10.0.0.2/24"],
        [2, "10.0.0.3/24"],
        [3, "10.0.0.4/24"],
      ],
    );
    assert.deepEqual(planNodes(world.store.view(), { addresses: new AddressBook(view, { nowMs: 0 }), budget: 100 }), []);
  });
});
