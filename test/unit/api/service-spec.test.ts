import assert from "node:assert/strict";
import { serviceSpec } from "../../../src/api/wire/service-spec.ts";

/** As a real engine shows a service made with most of the flags. */
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

  it("passes over structures that hold nothing", () => {
    const nothing = { Privileges: { CredentialSpec: null, SELinuxContext: null, NoNewPrivileges: false } };
    assert.equal(serviceSpec.read({ TaskTemplate: { ContainerSpec: { Image: "a", ...nothing } } }).task.container.image, "a");
  });
});
