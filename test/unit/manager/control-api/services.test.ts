import assert from "node:assert/strict";
import type { PortConfig, ServiceSpec } from "../../../../src/model/cluster.ts";
import { asId, type ServiceId } from "../../../../src/model/ids.ts";
import { aSpec, aTask } from "../store/objects.ts";
import { aCluster, created, expectKind, specWith, theService, type TestCluster } from "./cluster.ts";

const port = (more: Partial<PortConfig> = {}): PortConfig => ({
  protocol: "tcp",
  targetPort: 80,
  publishedPort: 8080,
  publishMode: "ingress",
  ...more,
});
const vip = (...ports: PortConfig[]) => ({ endpoint: { mode: "vip" as const, ports } });

describe("services", () => {
  let cluster: TestCluster;
  beforeEach(async () => {
    cluster = await aCluster();
  });

  it("get a name where none is given, and are never renamed", async () => {
    const id = await created(cluster, { kind: "create-service", spec: aSpec("") });
    const { version, spec } = await theService(cluster, id);
    assert.match(spec.name, /^[a-z]+_[a-z]+$/);
    const unnamed = cluster.call({ kind: "update-service", id: asId(id), version, spec: aSpec(""), rollback: false });
    await assert.rejects(unnamed, { kind: "unimplemented", message: /renaming services is not supported/ });
  });

  it("keep options of their host that a client sent back without, until it sends none", async () => {
    const hostOptions = { privileged: true, shmSizeBytes: 2 ** 20 };
    const id = await created(cluster, { kind: "create-service", spec: specWith("web", { container: { hostOptions } }) });
    const options = async (container: Partial<ServiceSpec["task"]["container"]>) => {
      const { version } = await theService(cluster, id);
      const spec = specWith("web", { container });
      await cluster.call({ kind: "update-service", id: asId(id), version, spec, rollback: false });
      return (await theService(cluster, id)).spec.task.container.hostOptions;
    };
    assert.deepEqual(await options({ env: ["A=1"] }), hostOptions);
    assert.deepEqual(await options({ hostOptions: { ipcMode: "host" } }), { ipcMode: "host" });
    assert.deepEqual(await options({ hostOptions: {} }), {});
  });

  const refusals: [string, ServiceSpec, string, string][] = [
    [
      "no image",
      specWith("web", { container: { image: "" } }),
      "InvalidArgument",
      "ContainerSpec: image reference must be provided",
    ],
    [
      "a bad image",
      specWith("web", { container: { image: "Busybox:latest" } }),
      "InvalidArgument",
      'ContainerSpec: "Busybox:latest" is not a valid repository/tag',
    ],
    [
      "a plugin",
      specWith("web", { task: { runtime: "plugin" } }),
      "Unimplemented",
      "RuntimeSpec: unimplemented runtime in service spec",
    ],
    ["a bad name", aSpec("web_"), "InvalidArgument", "name must be valid as a DNS name component"],
    ["a long name", aSpec("a".repeat(64)), "InvalidArgument", "name must be 63 characters or fewer"],
    [
      "two mounts at one place",
      specWith("web", {
        container: {
          mounts: [
            { type: "tmpfs", target: "/a" },
            { type: "tmpfs", target: "/a" },
          ],
        },
      }),
      "InvalidArgument",
      "ContainerSpec: duplicate mount point: /a",
    ],
    [
      "too little memory",
      specWith("web", { task: { resources: { limits: { memoryBytes: 1000 } } } }),
      "InvalidArgument",
      "invalid memory value 1000: Must be at least 4MiB",
    ],
    [
      "too little CPU",
      specWith("web", { task: { resources: { reservations: { nanoCpus: 10 } } } }),
      "InvalidArgument",
      "invalid cpu value 1e-08: Must be at least 0.001",
    ],
    [
      "a constraint without operator",
      specWith("web", { task: { placement: { constraints: ["node.id"] } } }),
      "Unknown",
      "constraint expected one operator from ==, !=",
    ],
    [
      "ingress ports with dnsrr",
      specWith("web", { endpoint: { mode: "dnsrr", ports: [port()] } }),
      "InvalidArgument",
      "EndpointSpec: port published with ingress mode can't be used with dnsrr mode",
    ],
    [
      "a port twice",
      specWith("web", vip(port(), port({ targetPort: 81 }))),
      "InvalidArgument",
      "EndpointSpec: duplicate published ports provided",
    ],
    ["an unknown secret", aSpec("web", { secrets: ["key"] }), "InvalidArgument", "secret not found: key"],
    ["unknown secrets", aSpec("web", { secrets: ["key", "other"] }), "InvalidArgument", "secrets not found: key, other"],
    [
      "an attachment to the ingress network",
      specWith("web", { task: { networks: [{ target: "ingress" }] } }),
      "InvalidArgument",
      'Service cannot be explicitly attached to the ingress network "ingress"',
    ],
  ];
  for (const [what, spec, code, description] of refusals) {
    it(`refuses ${what} in Swarm's words`, async () => {
      await assert.rejects(cluster.call({ kind: "create-service", spec }), {
        name: "OperationError",
        message: `rpc error: code = ${code} desc = ${description}`,
      });
      assert.equal(cluster.store.view().count("service"), 0);
    });
  }

  for (const image of [
    "busybox",
    "library/busy-box_1.x:1.36",
    "localhost:5000/a/b__c:tag",
    "[::1]:5000/app",
    `registry.example.com/web:1@sha256:${"a".repeat(64)}`,
  ]) {
    it(`takes the image ${image}`, async () => {
      assert.ok(await created(cluster, { kind: "create-service", spec: specWith("web", { container: { image } }) }));
    });
  }

  it("says which network is not there", async () => {
    const spec = specWith("web", { task: { networks: [{ target: "back" }] } });
    await assert.rejects(cluster.call({ kind: "create-service", spec }), {
      kind: "not-found",
      message: "network back not found",
    });
  });

  it("stores ids where the user gave names, with a revision of its own", async () => {
    const spec = specWith("web", { task: { networks: [{ target: "ingress1" }] } });
    assert.ok(spec);
    const networkId = await created(cluster, {
      kind: "create-network",
      spec: { ...networkSpec, name: "back" },
    });
    const id = await created(cluster, {
      kind: "create-service",
      spec: specWith("web", { task: { networks: [{ target: "back" }, { target: "host" }] } }),
    });
    const service = await theService(cluster, id);
    assert.deepEqual(
      service.spec.task.networks.map(({ target }) => target),
      [networkId, "host000000000000000000000"],
    );
    const revision = cluster.store.view().get("revision", service.revisionId);
    assert.deepEqual(revision?.task, service.spec.task);
    assert.equal(revision?.serviceId, id);
    await assert.rejects(cluster.call({ kind: "remove-network", idOrName: "back" }), {
      message: `rpc error: code = FailedPrecondition desc = network ${networkId} is in use by service ${id}`,
    });
  });

  it("refuses a name that is taken, until its service is being removed", async () => {
    const id = await created(cluster, { kind: "create-service", spec: aSpec("web") });
    await assert.rejects(cluster.call({ kind: "create-service", spec: aSpec("web") }), {
      kind: "conflict",
      message: "rpc error: code = AlreadyExists desc = name conflicts with an existing object: service web already exists",
    });
    await cluster.call({ kind: "remove-service", idOrName: "web" });
    assert.equal(cluster.store.view().get("service", asId<ServiceId>(id))?.isRemoving, true);
    for (const idOrName of ["web", id]) {
      const gone = { kind: "not-found", message: `service ${idOrName} not found` };
      await assert.rejects(cluster.call({ kind: "get-service", idOrName }), gone);
      await assert.rejects(cluster.call({ kind: "remove-service", idOrName }), gone);
    }
    assert.notEqual(await created(cluster, { kind: "create-service", spec: aSpec("web") }), id);
    const { services } = expectKind(await cluster.call({ kind: "list-services", filters: {} }), "services");
    assert.equal(services.length, 1);
  });

  const conflicts: [PortConfig, PortConfig, string | undefined][] = [
    [port(), port(), "an ingress port"],
    [port(), port({ publishMode: "host" }), "an ingress port"],
    [port({ publishMode: "host" }), port(), "a host-published port"],
    [port({ publishMode: "host" }), port({ publishMode: "host" }), undefined],
    [port(), port({ protocol: "udp" }), undefined],
    [port({ publishedPort: 0 }), port({ publishedPort: 0 }), undefined],
  ];
  for (const [first, second, how] of conflicts) {
    const modes = `${first.publishMode}/${first.protocol} and ${second.publishMode}/${second.protocol}`;
    it(`${how === undefined ? "lets" : "does not let"} ${modes} on ${first.publishedPort} stand side by side`, async () => {
      const id = await created(cluster, { kind: "create-service", spec: specWith("web", vip(first)) });
      const call = cluster.call({ kind: "create-service", spec: specWith("other", vip(second)) });
      if (how === undefined) assert.equal((await call).kind, "created");
      else {
        const message = `rpc error: code = InvalidArgument desc = port '8080' is already in use by service 'web' (${id}) as ${how}`;
        await assert.rejects(call, { kind: "invalid", message });
      }
    });
  }

  it("makes a new revision only when tasks or endpoint change, and keeps the previous spec", async () => {
    const id = asId<ServiceId>(await created(cluster, { kind: "create-service", spec: aSpec("web") }));
    const first = await theService(cluster, id);
    const update = { kind: "update-service", id, rollback: false } as const;
    const scaled = { ...first.spec, mode: { kind: "replicated" as const, replicas: 5 } };
    await cluster.call({ ...update, version: first.version, spec: scaled });
    const second = await theService(cluster, id);
    assert.equal(second.revisionId, first.revisionId);
    const newer = specWith("web", { container: { image: "busybox:2" } });
    await cluster.call({ ...update, version: second.version, spec: newer });
    const third = await theService(cluster, id);
    assert.notEqual(third.revisionId, first.revisionId);
    assert.equal(third.previousRevisionId, first.revisionId);
    assert.deepEqual(third.previousSpec, scaled);
    assert.equal(third.updateStatus, undefined);

    await cluster.call({ ...update, version: third.version, spec: newer, rollback: true });
    const fourth = await theService(cluster, id);
    assert.deepEqual(
      [fourth.spec, fourth.revisionId, fourth.previousSpec, fourth.previousRevisionId, fourth.isRollingBack],
      [scaled, first.revisionId, newer, third.revisionId, true],
    );
    const { state, message } = fourth.updateStatus ?? {};
    assert.deepEqual([state, message], ["rollback_started", "manually requested rollback"]);
  });

  it("refuses an update out of sequence, of the mode, of the name, and a rollback without a previous spec", async () => {
    const id = asId<ServiceId>(await created(cluster, { kind: "create-service", spec: aSpec("web") }));
    const { version } = await theService(cluster, id);
    const update = { kind: "update-service", id, version, rollback: false, spec: aSpec("web") } as const;
    const cases: [object, string][] = [
      [{ version: version - 1 }, "Unknown desc = update out of sequence"],
      [{ spec: aSpec("other") }, "Unimplemented desc = renaming services is not supported"],
      [{ spec: specWith("web", { mode: { kind: "global" } }) }, "Unimplemented desc = service mode change is not allowed"],
      [{ rollback: true }, `FailedPrecondition desc = service ${id} does not have a previous spec`],
    ];
    for (const [more, description] of cases) {
      await assert.rejects(cluster.call({ ...update, ...more }), { message: `rpc error: code = ${description}` });
    }
    const unknown = cluster.call({ ...update, id: asId<ServiceId>("nope") });
    await assert.rejects(unknown, { kind: "not-found", message: "service nope not found" });
    assert.deepEqual(await cluster.call({ ...update, id: asId<ServiceId>("web") }), { kind: "done" }, "a name will do");
  });

  it("finds services by id, name and the beginning of an id, and says when several fit", async () => {
    const ids = [await created(cluster, { kind: "create-service", spec: aSpec("one") })];
    const [first = ""] = ids;
    assert.equal((await theService(cluster, first.slice(0, 10))).id, first);
    assert.equal((await theService(cluster, "one")).id, first);
    for (let number = 0; number < 40; number++) await created(cluster, { kind: "create-service", spec: aSpec(`s${number}`) });
    const { services } = expectKind(await cluster.call({ kind: "list-services", filters: {} }), "services");
    const letter =
      services.map(({ service }) => service.id[0] ?? "").find((character, index, all) => all.indexOf(character) !== index) ?? "";
    const count = services.filter(({ service }) => service.id.startsWith(letter)).length;
    await assert.rejects(cluster.call({ kind: "get-service", idOrName: letter }), {
      message: `service ${letter} is ambiguous (${count} matches found)`,
    });
  });

  it("filters lists", async () => {
    await created(cluster, { kind: "create-service", spec: { ...aSpec("web"), labels: { tier: "front" } } });
    await created(cluster, { kind: "create-service", spec: specWith("web2", { mode: { kind: "global" } }) });
    const names = async (filters: Record<string, string[]>) => {
      const { services } = expectKind(await cluster.call({ kind: "list-services", filters }), "services");
      return services.map(({ service }) => service.spec.name).toSorted();
    };
    assert.deepEqual(await names({ name: ["web"] }), ["web", "web2"]);
    assert.deepEqual(await names({ mode: ["global"] }), ["web2"]);
    assert.deepEqual(await names({ label: ["tier=front"] }), ["web"]);
    assert.deepEqual(await names({ label: ["tier"], mode: ["global"] }), []);
    assert.deepEqual(await names({ label: ["toString"] }), []);
    await assert.rejects(names({ nonsense: ["1"] }), { kind: "invalid", message: "invalid filter 'nonsense'" });
  });

  it("counts tasks, and lists them with their revision, by service, node and desired state", async () => {
    const id = asId<ServiceId>(await created(cluster, { kind: "create-service", spec: aSpec("web") }));
    const { revisionId } = await theService(cluster, id);
    const status = { state: "running", atMs: 0, message: "" } as const;
    const task = aTask("t1", { serviceId: id, revisionId, slot: 1, nodeId: asId("node1"), status });
    const old = aTask("t0", { serviceId: id, revisionId, slot: 1, desiredState: "shutdown" });
    await cluster.proposals.propose({
      changes: [task, old].map(object => ({ kind: "put", table: "task", object, basedOn: 0 })),
      reliesOn: [],
    });
    const { services } = expectKind(await cluster.call({ kind: "get-service", idOrName: "web" }), "services");
    assert.deepEqual([services[0]?.runningTasks, services[0]?.desiredTasks], [1, 1]);
    const ids = async (filters: Record<string, string[]>) => {
      const { tasks } = expectKind(await cluster.call({ kind: "list-tasks", filters }), "tasks");
      return tasks.map(view => `${view.serviceName}.${view.task.id}.${view.revision.task.container.image}`);
    };
    assert.deepEqual(await ids({ service: ["web"] }), ["web.t0.busybox", "web.t1.busybox"]);
    assert.deepEqual(await ids({ service: ["web"], "desired-state": ["running"] }), ["web.t1.busybox"]);
    assert.deepEqual(await ids({ node: ["node1"] }), ["web.t1.busybox"]);
    assert.deepEqual(await ids({ name: ["web.1.t1"] }), ["web.t1.busybox"]);
    await assert.rejects(ids({ "desired-state": ["nope"] }), { kind: "invalid" });
  });
});

const networkSpec = {
  ...{ labels: {}, driver: "overlay", driverOptions: {}, scope: "swarm" as const },
  ...{ isInternal: false, isAttachable: false, isIngress: false, isIpv6: false, ipam: [] },
};
