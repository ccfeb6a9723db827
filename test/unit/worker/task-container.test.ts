import assert from "node:assert/strict";
import { asId } from "../../../src/model/ids.ts";
import type { NetworkId } from "../../../src/model/ids.ts";
import type { CreateContainerRequest } from "../../../src/model/container.ts";
import { taskContainer } from "../../../src/worker/task-container.ts";
import { anAssignedTask } from "./fixtures.ts";

function requestFor(...args: Parameters<typeof anAssignedTask>): CreateContainerRequest {
  return taskContainer({
    assigned: anAssignedTask(...args),
    node: { hostname: "host1", architecture: "x86_64" },
    fileMounts: [],
  });
}

describe("a task's container", () => {
  it("is named and labelled as Swarm's are", () => {
    const { name, config } = requestFor({ container: { labels: { own: "label", "com.docker.swarm.task.id": "forged" } } });
    assert.equal(name, "web.3.task1");
    assert.deepEqual(config.labels, {
      own: "label",
      "com.docker.swarm.node.id": "node1",
      "com.docker.swarm.service.id": "service1",
      "com.docker.swarm.service.name": "web",
      "com.docker.swarm.task": "",
      "com.docker.swarm.task.id": "task1",
      "com.docker.swarm.task.name": "web.3.task1",
    });
  });

  it("has the node in its name in a global service", () => {
    assert.equal(requestFor({ task: { slot: 0 } }).name, "web.node1.task1");
  });

  it("fills in templates", () => {
    const env = [
      "A={{.Service.Name}}-{{ .Task.Slot }}",
      "B={{.Node.Hostname}} {{.Node.Platform.Architecture}}",
      'C={{index .Service.Labels "tier"}}',
      "D={{.Unknown.Thing}}",
    ];
    const mounts = [{ type: "volume", source: "data-{{.Task.Slot}}", target: "/data" }] as const;
    const { config, hostConfig } = requestFor({ container: { env, mounts, hostname: "{{.Task.Name}}" } });
    assert.deepEqual(config.env, ["A=web-3", "B=host1 x86_64", "C=front", "D={{.Unknown.Thing}}"]);
    assert.equal(config.hostname, "web.3.task1");
    assert.deepEqual(hostConfig.mounts, [{ type: "volume", source: "data-3", target: "/data" }]);
  });

  it("is limited as the service says, and stopped with its grace", () => {
    const { config, hostConfig } = requestFor({
      container: { stopGracePeriodNs: 2.5e9, stopSignal: "SIGINT" },
      template: {
        resources: { limits: { nanoCpus: 5e8, memoryBytes: 64, pids: 7 }, reservations: { nanoCpus: 1, memoryBytes: 32 } },
      },
    });
    const { nanoCpus, memoryBytes, memoryReservationBytes, pidsLimit } = hostConfig;
    assert.deepEqual(
      { nanoCpus, memoryBytes, memoryReservationBytes, pidsLimit },
      { nanoCpus: 5e8, memoryBytes: 64, memoryReservationBytes: 32, pidsLimit: 7 },
    );
    assert.deepEqual([config.stopTimeoutSeconds, config.stopSignal], [3, "SIGINT"]);
  });

  it("has the privileges that the service gives it", () => {
    const seLinux = { disable: false, user: "", role: "r", type: "t", level: "" };
    const ofAll = requestFor({
      container: {
        privileges: {
          seLinux,
          seccomp: { mode: "custom", profile: "{}" },
          appArmor: { mode: "disabled" },
          noNewPrivileges: true,
        },
      },
    });
    assert.deepEqual(ofAll.hostConfig.securityOpt, [
      ...["label=role:r", "label=type:t", "seccomp={}", "apparmor=unconfined", "no-new-privileges=true"],
    ]);
    const ofNone = { seLinux: { ...seLinux, disable: true }, seccomp: { mode: "unconfined", profile: "" } } as const;
    const { hostConfig } = requestFor({ container: { privileges: { ...ofNone, noNewPrivileges: false } } });
    assert.deepEqual(hostConfig.securityOpt, ["label=disable", "label=role:r", "label=type:t", "seccomp=unconfined"]);
    assert.deepEqual(requestFor().hostConfig.securityOpt, []);
  });

  it("says what of its node's generic resources it has, after what the service says", () => {
    const genericResources = [
      { kind: "gpu", value: "one" },
      { kind: "ssd", value: 2 },
      { kind: "gpu", value: "two" },
    ];
    const { config } = requestFor({ container: { env: ["A=1"] }, task: { genericResources } });
    assert.deepEqual(config.env, ["A=1", "DOCKER_RESOURCE_GPU=one,two", "DOCKER_RESOURCE_SSD=2"]);
  });

  it("publishes host-mode ports, and those without a number on any port", () => {
    const hostPorts = [
      { protocol: "tcp", targetPort: 80, publishedPort: 8080, publishMode: "host" },
      { protocol: "udp", targetPort: 53, publishMode: "host" },
    ] as const;
    const { config, hostConfig } = requestFor({ task: { hostPorts } });
    assert.deepEqual(config.exposedPorts, ["80/tcp", "53/udp"]);
    assert.deepEqual(hostConfig.portBindings, {
      "80/tcp": [{ hostIp: "", hostPort: "8080" }],
      "53/udp": [{ hostIp: "", hostPort: "" }],
    });
  });

  const cases = [
    { when: "it is on none", networks: [], targets: [], mode: "default", endpoints: {} },
    { when: "it is on the node's own", networks: [], targets: ["host000000000000000000000"], mode: "host", endpoints: {} },
    { when: "it is on the node's own, as it was kept before", networks: [], targets: ["host"], mode: "host", endpoints: {} },
    {
      when: "it is on two of the cluster's",
      networks: [
        { networkId: asId<NetworkId>("net1"), addresses: ["10.0.1.5/24"], aliases: ["api"] },
        { networkId: asId<NetworkId>("ingress"), addresses: ["10.0.0.9/24"], aliases: [] },
      ],
      targets: ["net1"],
      mode: "net1",
      endpoints: {
        net1: { ipv4Address: "10.0.1.5/24", isAllocated: true, aliases: ["api"] },
        ingress: { ipv4Address: "10.0.0.9/24", isAllocated: true, aliases: [] },
      },
    },
  ];
  for (const { when, networks, targets, mode, endpoints } of cases) {
    it(`joins the networks it has addresses on, when ${when}`, () => {
      const request = requestFor({ task: { networks }, template: { networks: targets.map(target => ({ target })) } });
      assert.deepEqual([request.hostConfig.networkMode, request.endpoints], [mode, endpoints]);
    });
  }

  it("writes hosts the other way round", () => {
    assert.deepEqual(requestFor({ container: { hosts: ["192.0.2.7 db db.local"] } }).hostConfig.extraHosts, [
      "db:192.0.2.7",
      "db.local:192.0.2.7",
    ]);
  });
});
