import assert from "node:assert/strict";
import { parseMount } from "../../../src/cli/commands/mount.ts";
import { changedServiceSpec, newServiceSpec, parsePort } from "../../../src/cli/commands/service-spec.ts";
import type { Json } from "../../../src/cli/context.ts";

describe("newServiceSpec", () => {
  it("says what the flags say", () => {
    const spec = newServiceSpec("app:1", ["serve", "-v"], {
      name: "web",
      replicas: "3",
      publish: ["8080:80"],
      env: ["A=1"],
      updateParallelism: "2",
      updateOrder: "start-first",
      updateMonitor: "1s",
      limitMemory: "64m",
    });
    assert.deepEqual(spec, {
      Name: "web",
      Labels: {},
      TaskTemplate: {
        ContainerSpec: { Image: "app:1", Args: ["serve", "-v"], Env: ["A=1"] },
        ForceUpdate: 0,
        Resources: { Limits: { MemoryBytes: 67_108_864 } },
      },
      Mode: { Replicated: { Replicas: 3 } },
      EndpointSpec: { Mode: "vip", Ports: [{ Protocol: "tcp", TargetPort: 80, PublishedPort: 8080, PublishMode: "ingress" }] },
      UpdateConfig: { Parallelism: 2, FailureAction: "pause", Order: "start-first", Monitor: 1e9 },
    });
  });

  it("makes a global service", () =>
    assert.deepEqual((newServiceSpec("a", [], { mode: "global" }) as { Mode: unknown }).Mode, { Global: {} }));
  it("refuses what is no number", () =>
    assert.throws(() => newServiceSpec("a", [], { replicas: "x" }), { name: "FlagValueError", flag: "replicas" }));
});

describe("addresses of slots", () => {
  const networks = (flags: Record<string, readonly string[]>, before: Json = {}) =>
    (changedServiceSpec(before, flags) as { TaskTemplate: { Networks: Json } }).TaskTemplate.Networks;

  it("are given with the network", () => {
    assert.deepEqual(networks({ network: ["name=app,ip=10.9.0.5,ip=10.9.0.20-10.9.0.29,alias=a", "back"] }), [
      { Target: "app", Aliases: ["a"], Addresses: ["10.9.0.5", "10.9.0.20-10.9.0.29"] },
      { Target: "back" },
    ]);
  });

  it("are not those from before where a network is added anew", () => {
    const before = { TaskTemplate: { Networks: [{ Target: "app-id", Addresses: ["10.9.0.5"] }] } };
    const change = (added: string) => networks({ networkRm: ["app-id"], networkAdd: [added] }, before);
    assert.deepEqual(change("app"), [{ Target: "app", Addresses: [] }]);
    assert.deepEqual(change("name=app,ip=10.9.0.6"), [{ Target: "app", Addresses: ["10.9.0.6"] }]);
  });
});

describe("changedServiceSpec", () => {
  it("keeps what no flag names", () => {
    const before = { Name: "web", TaskTemplate: { ContainerSpec: { Image: "app:1", Env: ["A=1", "B=2"] } } };
    assert.deepEqual(changedServiceSpec(before, { image: "app:2", envAdd: ["B=3"], envRm: ["A"] }), {
      Name: "web",
      TaskTemplate: { ContainerSpec: { Image: "app:2", Env: ["B=3"] } },
    });
  });
});

describe("what a service asks of its host", () => {
  const after = (flags: Parameters<typeof changedServiceSpec>[1]): unknown =>
    (changedServiceSpec({}, flags) as { TaskTemplate: { ContainerSpec: { HostConfig: unknown } } }).TaskTemplate.ContainerSpec
      .HostConfig;

  it("is what the flags of docker run say", () => {
    const flags = {
      privileged: true,
      shmSize: "1m",
      cpuShares: "7",
      ipc: "host",
      cpusetCpus: "0-1",
      deviceCgroupRule: ["c 1:3 r"],
    };
    assert.deepEqual(after(flags), {
      ...{ Privileged: true, ShmSize: 2 ** 20, CpuShares: 7, IpcMode: "host", CpusetCpus: "0-1" },
      DeviceCgroupRules: ["c 1:3 r"],
    });
  });

  it("has devices by their path, and by a name of the container device interface", () => {
    assert.deepEqual(after({ device: ["/dev/null:/dev/n:r", "vendor.com/class=one"] }), {
      Devices: [{ PathOnHost: "/dev/null", PathInContainer: "/dev/n", CgroupPermissions: "r" }],
      DeviceRequests: [{ Driver: "cdi", Count: 0, DeviceIDs: ["vendor.com/class=one"], Capabilities: null, Options: null }],
    });
  });

  it("is refused where it is no number or size", () => {
    assert.throws(() => after({ shmSize: "much" }), { name: "FlagValueError", flag: "shm-size" });
    assert.throws(() => after({ cpuShares: "-1" }), { name: "FlagValueError", flag: "cpu-shares" });
  });
});

describe("generic resources of a service", () => {
  const after = (before: Json, flags: Parameters<typeof changedServiceSpec>[1]): unknown => {
    const spec = changedServiceSpec({ TaskTemplate: { Resources: { Reservations: before } } }, flags);
    return (spec as { TaskTemplate: { Resources: { Reservations: unknown } } }).TaskTemplate.Resources.Reservations;
  };
  const discrete = (Kind: string, Value: number) => ({ DiscreteResourceSpec: { Kind, Value } });

  it("are added, replaced and taken away by kind", () => {
    const two = { GenericResources: [discrete("gpu", 1), discrete("ssd", 2)] };
    assert.deepEqual(after({}, { genericResource: ["gpu=1", "ssd=2"] }), two);
    assert.deepEqual(after(two, { genericResourceAdd: ["gpu=3"], genericResourceRm: ["ssd"] }), {
      GenericResources: [discrete("gpu", 3)],
    });
  });

  for (const [flags, says] of [
    [{ genericResource: ["gpu"] }, /invalid generic-resource format `gpu` expected `name=value`/],
    [{ genericResource: ["gpu=x"] }, /request `gpu=x`, Named Generic Resources is not supported/],
    [{ genericResource: ["gpu=-1"] }, /cannot ask for negative resource gpu/],
    [{ genericResource: ["gpu=1=2"] }, /incorrect term gpu=1=2/],
    [{ genericResource: ["gpu=1", "gpu=b"] }, /mixed discrete and named resources in expression 'gpu=\[1 b\]'/],
    [{ genericResourceRm: ["gpu"] }, /could not find generic-resource `gpu` to remove it/],
  ] as const)
    it(`are refused: ${JSON.stringify(flags)}`, () => assert.throws(() => after({}, flags), says));
});

describe("parsePort", () => {
  const cases = [
    { port: "80", means: [{ Protocol: "tcp", TargetPort: 80, PublishMode: "ingress" }] },
    { port: "8080:80/udp", means: [{ Protocol: "udp", TargetPort: 80, PublishedPort: 8080, PublishMode: "ingress" }] },
    {
      port: "8000-8001:80-81",
      means: [
        { Protocol: "tcp", TargetPort: 80, PublishedPort: 8000, PublishMode: "ingress" },
        { Protocol: "tcp", TargetPort: 81, PublishedPort: 8001, PublishMode: "ingress" },
      ],
    },
    {
      port: "published=1,target=2,mode=host",
      means: [{ Protocol: "tcp", PublishedPort: 1, TargetPort: 2, PublishMode: "host" }],
    },
  ];
  for (const { port, means } of cases) it(`reads ${port}`, () => assert.deepEqual(parsePort(port), means));
  for (const port of ["x", "80:x", "8000-8002:80-81", "published=1"])
    it(`refuses ${port}`, () => assert.throws(() => parsePort(port), { name: "FlagValueError", flag: "publish" }));
});

describe("parseMount", () => {
  it("reads every key", () =>
    assert.deepEqual(parseMount("type=bind,source=/a,target=/b,readonly,bind-propagation=rslave"), {
      Type: "bind",
      Source: "/a",
      Target: "/b",
      ReadOnly: true,
      BindOptions: { Propagation: "rslave" },
    }));
  it("refuses a mount without target", () => assert.throws(() => parseMount("type=volume"), /target is required/));
});
