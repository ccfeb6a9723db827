import assert from "node:assert/strict";
import { parseMount } from "../../../src/cli/commands/mount.ts";
import { changedServiceSpec, newServiceSpec, parsePort } from "../../../src/cli/commands/service-spec.ts";
import { replicasText } from "../../../src/cli/commands/service-mode.ts";
import { field, type Json, list, text } from "../../../src/cli/context.ts";

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

describe("the mode of a service", () => {
  const job = { Mode: { ReplicatedJob: { MaxConcurrent: 2, TotalCompletions: 4 } } };
  const global = { Mode: { Global: {} } };

  it("is scaled as what it is", () => {
    assert.deepEqual(changedServiceSpec({ Mode: { Replicated: { Replicas: 1 } } }, { replicas: "3" }), {
      Mode: { Replicated: { Replicas: 3 } },
    });
    assert.deepEqual(changedServiceSpec(job, { replicas: "9", maxConcurrent: "3" }), {
      Mode: { ReplicatedJob: { MaxConcurrent: 3, TotalCompletions: 9 } },
    });
    assert.deepEqual(
      field(newServiceSpec("a", [], { mode: "replicated-job", replicas: "4", maxConcurrent: "2" }), "Mode"),
      job.Mode,
    );
  });

  it("is refused where there are no replicas", () => {
    const says = /replicas can only be used with replicated or replicated-job mode/;
    assert.throws(() => changedServiceSpec(global, { replicas: "2" }), says);
    assert.throws(() => newServiceSpec("a", [], { mode: "global", replicas: "2" }), says);
    assert.throws(
      () => changedServiceSpec(global, { maxConcurrent: "2" }),
      /max-concurrent can only be used with replicated-job mode/,
    );
  });

  for (const [mode, placement, shows] of [
    [{ Replicated: { Replicas: 3 } }, {}, "1/2"],
    [{ Replicated: { Replicas: 3 } }, { MaxReplicas: 2 }, "1/2 (max 2 per node)"],
    [{ ReplicatedJob: { TotalCompletions: 9 } }, { MaxReplicas: 2 }, "1/2 (5/9 completed)"],
    [{ GlobalJob: {} }, {}, "1/2 (5/7 completed)"],
  ] as const)
    it(`shows as ${shows}`, () => {
      const ServiceStatus = { RunningTasks: 1, DesiredTasks: 2, CompletedTasks: 5 };
      assert.equal(replicasText({ Spec: { Mode: mode, TaskTemplate: { Placement: placement } }, ServiceStatus }), shows);
    });
});

describe("preferences of a service's placement", () => {
  const after = (before: readonly string[], flags: Parameters<typeof changedServiceSpec>[1]): unknown => {
    const Preferences = before.map(SpreadDescriptor => ({ Spread: { SpreadDescriptor } }));
    const spec = changedServiceSpec({ TaskTemplate: { Placement: { Preferences } } }, flags);
    return list(spec, "TaskTemplate", "Placement", "Preferences").map(item => text(item, "Spread", "SpreadDescriptor"));
  };
  const [zone, rack] = ["node.labels.zone", "node.labels.rack"];

  it("are set, added and taken away", () => {
    assert.deepEqual(after([], { placementPref: [`spread=${zone}`, `spread=${rack}`] }), [zone, rack]);
    assert.deepEqual(after([zone], { placementPrefAdd: [`spread=${rack}`] }), [zone, rack]);
    assert.deepEqual(after([zone, rack], { placementPrefRm: [`spread=${zone}`] }), [rack]);
  });

  for (const [given, says] of [
    ["zone", /placement preference must be of the format "<strategy>=<arg>"/],
    ["pack=zone", /unsupported placement preference pack \(only spread is supported\)/],
  ] as const)
    it(`are refused: ${given}`, () => assert.throws(() => after([], { placementPrefRm: [given] }), says));
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
