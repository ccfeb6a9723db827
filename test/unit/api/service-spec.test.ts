import assert from "node:assert/strict";
import { checkServiceSpec } from "../../../src/api/validation/service-spec.ts";
import { hostConfig as hostConfigShape } from "../../../src/api/wire/host-config.ts";
import { serviceSpec } from "../../../src/api/wire/service-spec.ts";

/** As a real engine shows a service made with most of the flags. */ import { taskContainer } from "../../../src/worker/task-container.ts";
import { anAssignedTask } from "../worker/fixtures.ts";

const WEB = {
  Name: "web",
  Labels: { l: "1" },
  TaskTemplate: {
    ContainerSpec: {
      Image: "busybox:latest",
      Labels: { cl: "2" },
      Args: ["sleep", "1000"],
      Hostname: "hh",
      Env: ["A=b"],
      User: "1:1",
      Privileges: {
        CredentialSpec: null,
        SELinuxContext: { Disable: false, User: "u", Role: "r", Type: "t", Level: "l" },
        Seccomp: { Mode: "custom", Profile: "e30=" },
        AppArmor: { Mode: "disabled" },
        NoNewPrivileges: true,
      },
      Init: true,
      Mounts: [
        { Type: "tmpfs", Target: "/t" },
        {
          Type: "volume",
          Source: "v",
          Target: "/v",
          ReadOnly: true,
          VolumeOptions: { NoCopy: true, Labels: { a: "b" }, DriverConfig: { Name: "local" } },
        },
      ],
      StopGracePeriod: 5_000_000_000,
      Healthcheck: { Test: ["CMD-SHELL", "true"], Interval: 5_000_000_000 },
      Hosts: ["1.2.3.4 h"],
      DNSConfig: { Nameservers: ["1.1.1.1"] },
      Secrets: [{ File: { Name: "s1", UID: "0", GID: "0", Mode: 292 }, SecretID: "5p4zvyni6kw8z91olkl4rgu5b", SecretName: "s1" }],
      Configs: [{ File: { Name: "/c", UID: "0", GID: "0", Mode: 256 }, ConfigID: "gkoixd132vs61cbe5txv6rkzo", ConfigName: "c1" }],
      Isolation: "default",
      Sysctls: { "net.a": "1" },
      CapabilityAdd: ["CAP_NET_ADMIN"],
      Ulimits: [{ Name: "nofile", Hard: 20, Soft: 10 }],
    },
    Resources: { Limits: { MemoryBytes: 52_428_800 }, Reservations: { NanoCPUs: 100_000_000 } },
    RestartPolicy: { Condition: "any", Delay: 5_000_000_000, MaxAttempts: 4 },
    Placement: { Constraints: ["node.role==manager"], Preferences: [{ Spread: { SpreadDescriptor: "node.labels.z" } }] },
    Networks: [{ Target: "owghpyo3vzymkhp0dphsb43aa" }],
    LogDriver: { Name: "json-file", Options: { "max-size": "1m" } },
    ForceUpdate: 0,
    Runtime: "container",
  },
  Mode: { Replicated: { Replicas: 1 } },
  UpdateConfig: {
    Parallelism: 1,
    Delay: 3_000_000_000,
    FailureAction: "pause",
    Monitor: 5_000_000_000,
    MaxFailureRatio: 0,
    Order: "stop-first",
  },
  RollbackConfig: { Parallelism: 2, FailureAction: "pause", Monitor: 5_000_000_000, MaxFailureRatio: 0, Order: "stop-first" },
  EndpointSpec: { Mode: "vip", Ports: [{ Protocol: "tcp", TargetPort: 80, PublishedPort: 8081, PublishMode: "ingress" }] },
};

describe("a service spec", () => {
  it("comes back from the model as it went in, in the same order", () => {
    assert.equal(JSON.stringify(serviceSpec.write(serviceSpec.read(WEB))), JSON.stringify(WEB));
  });

  const TASK = { ContainerSpec: { Image: "busybox" } };
  const modes = [
    { wire: undefined, model: { kind: "replicated", replicas: 1 } },
    { wire: { Replicated: { Replicas: 0 } }, model: { kind: "replicated", replicas: 0 } },
    { wire: { Global: {} }, model: { kind: "global" } },
    { wire: { ReplicatedJob: {} }, model: { kind: "replicated-job", maxConcurrent: 1, totalCompletions: 1 } },
    { wire: { ReplicatedJob: { MaxConcurrent: 3 } }, model: { kind: "replicated-job", maxConcurrent: 3, totalCompletions: 3 } },
    { wire: { GlobalJob: {} }, model: { kind: "global-job" } },
  ];
  for (const { wire, model } of modes) {
    it(`has the mode of ${JSON.stringify(wire)}`, () => {
      assert.deepEqual(serviceSpec.read({ Mode: wire, TaskTemplate: TASK }).mode, model);
    });
  }

  it("says of every task what it runs", () => {
    for (const body of [{}, { TaskTemplate: {} }, { TaskTemplate: { Runtime: "container", ContainerSpec: null } }])
      assert.throws(() => serviceSpec.read(body), /mismatched Runtime/);
  });

  it("takes networks from where old clients put them", () => {
    assert.deepEqual(serviceSpec.read({ Networks: [{ Target: "a" }], TaskTemplate: TASK }).task.networks, [{ target: "a" }]);
  });

  const HOST_OPTIONS = {
    ...{ Privileged: true, DeviceCgroupRules: ["c 1:3 rwm"], ShmSize: 1024, IpcMode: "host", PidMode: "host", UTSMode: "host" },
    Devices: [{ PathOnHost: "/dev/null", PathInContainer: "/dev/n", CgroupPermissions: "r" }],
    DeviceRequests: [{ Driver: "cdi", Count: 0, DeviceIDs: ["a/b=c"], Capabilities: null, Options: {} }],
    ...{ CgroupnsMode: "host", Runtime: "runc", CpuShares: 5, CpusetCpus: "0", CpusetMems: "0" },
  };

  it("has what docker run asks of a host, as the container of its tasks then has it", () => {
    const HostConfig = HOST_OPTIONS;
    const spec = serviceSpec.read({ TaskTemplate: { ContainerSpec: { Image: "a", HostConfig } } });
    checkServiceSpec(spec);
    const written = serviceSpec.write(spec) as unknown as {
      TaskTemplate: { ContainerSpec: { HostConfig: Record<string, unknown> } };
    };
    const shown = written.TaskTemplate.ContainerSpec.HostConfig;
    assert.deepEqual({ ...shown, DeviceRequests: HOST_OPTIONS.DeviceRequests }, HOST_OPTIONS);
    const assigned = anAssignedTask({ template: spec.task, container: spec.task.container });
    const { hostConfig } = taskContainer({ assigned, node: { hostname: "h", architecture: "x86_64" }, fileMounts: [] });
    const wire = hostConfigShape.write(hostConfig) as Record<string, unknown>;
    for (const [name, value] of Object.entries(shown)) assert.deepEqual(wire[name], value, name);
  });

  for (const [HostConfig, says] of [
    [{ IpcMode: "container:a" }, /a service cannot name a container/],
    [{ PidMode: "container:a" }, /a service cannot name a container/],
    [{ PidMode: "nope" }, /invalid PID mode: nope/],
    [{ ShmSize: -1 }, /SHM size can not be less than 0/],
    [{ Binds: ["/:/host"] }, /ContainerSpec.HostConfig.Binds is not a service's to set/],
  ] as const)
    it(`refuses of a host ${JSON.stringify(HostConfig)}`, () => {
      const check = () => checkServiceSpec(serviceSpec.read({ TaskTemplate: { ContainerSpec: { Image: "a", HostConfig } } }));
      assert.throws(check, says);
    });

  const refused = [
    { body: { TaskTemplate: { PluginSpec: { Name: "a" } } }, message: "TaskSpec.PluginSpec is not supported by this engine" },
    {
      body: { TaskTemplate: { Resources: { Reservations: { GenericResources: [{}] } } } },
      message: "a generic resource needs a DiscreteResourceSpec or a NamedResourceSpec",
    },
    {
      body: { TaskTemplate: { ContainerSpec: { Privileges: { CredentialSpec: { File: "a" } } } } },
      message: "Privileges.CredentialSpec is not supported by this engine",
    },
  ];
  for (const { body, message } of refused) {
    it(`refuses: ${message}`, () => {
      assert.throws(() => serviceSpec.read(body), { kind: "invalid", message });
    });
  }

  it("tells no addresses of slots from none at all", () => {
    const networksOf = (Networks: readonly object[]) =>
      serviceSpec.read({ TaskTemplate: { ContainerSpec: { Image: "a" }, Networks } }).task.networks;
    assert.deepEqual(networksOf([{ Target: "a" }, { Target: "b", Addresses: [] }, { Target: "c", Addresses: ["10.0.0.2"] }]), [
      { target: "a" },
      { target: "b", addresses: [] },
      { target: "c", addresses: ["10.0.0.2"] },
    ]);
    const spec = serviceSpec.read({
      TaskTemplate: { ContainerSpec: { Image: "a" }, Networks: [{ Target: "c", Addresses: ["10.0.0.2"] }] },
    });
    assert.deepEqual((serviceSpec.write(spec)["TaskTemplate"] as { Networks: unknown }).Networks, [
      { Target: "c", Addresses: ["10.0.0.2"] },
    ]);
  });

  it("passes over structures that hold nothing", () => {
    const nothing = { Privileges: { CredentialSpec: null, SELinuxContext: null, NoNewPrivileges: false } };
    assert.equal(serviceSpec.read({ TaskTemplate: { ContainerSpec: { Image: "a", ...nothing } } }).task.container.image, "a");
  });
});
