import assert from "node:assert/strict";
import { containerInspect, containerSummary } from "../../../src/api/wire/container.ts";
import { isRecord } from "../../../src/api/wire/codec.ts";
import { createBody } from "../../../src/api/wire/create-container.ts";
import { hostConfig } from "../../../src/api/wire/host-config.ts";
import type { Container } from "../../../src/model/container.ts";
import { asId } from "../../../src/model/ids.ts";

const NOW_MS = Date.UTC(2026, 0, 2);
const BODY = {
  Image: "busybox",
  Cmd: ["echo", "a b"],
  Labels: { b: "1", a: "2" },
  HostConfig: {
    PortBindings: { "80/tcp": [{ HostPort: "8080" }] },
    Dns: [],
    Memory: 1024,
    Init: true,
    PidsLimit: 0,
    NetworkMode: "bridge",
  },
};

function aContainer(status: Container["state"]["status"]): Container {
  const { config, hostConfig: host = hostConfig.read(undefined) } = createBody.read(BODY);
  return {
    id: asId("a".repeat(64)),
    name: "one",
    createdAtMs: NOW_MS,
    imageId: asId(`sha256:${"b".repeat(64)}`),
    path: "echo",
    args: ["a b"],
    config,
    hostConfig: host,
    state: { status, pid: 0, exitCode: 0, isOomKilled: false, error: "", startedAtMs: NOW_MS, finishedAtMs: NOW_MS },
    networks: {
      sandboxId: "",
      sandboxKey: "",
      ports: {
        "443/tcp": [],
        "80/tcp": [
          { hostIp: "0.0.0.0", hostPort: "8080" },
          { hostIp: "::", hostPort: "8080" },
        ],
      },
      endpoints: {},
    },
    mounts: [],
    restartCount: 0,
    platform: "linux",
    logPath: "",
    resolvConfPath: "",
    hostnamePath: "",
    hostsPath: "",
    execIds: [],
  };
}

describe("a container in JSON", () => {
  it("lists its ports by number, each binding once", () => {
    assert.deepEqual(containerSummary(aContainer("running"), { version: "1.50", nowMs: NOW_MS })["Ports"], [
      { IP: "0.0.0.0", PrivatePort: 80, PublicPort: 8080, Type: "tcp" },
      { IP: "::", PrivatePort: 80, PublicPort: 8080, Type: "tcp" },
      { PrivatePort: 443, Type: "tcp" },
    ]);
  });

  it("has no ports once it has ended", () => {
    assert.deepEqual(containerSummary(aContainer("exited"), { version: "1.50", nowMs: NOW_MS })["Ports"], []);
    const { NetworkSettings } = containerInspect(aContainer("exited"), { version: "1.50", folders: undefined });
    assert.ok(isRecord(NetworkSettings));
    assert.deepEqual(NetworkSettings["Ports"], {});
  });

  it("quotes what holds spaces, and sorts labels as Go does", () => {
    const summary = containerSummary(aContainer("running"), { version: "1.50", nowMs: NOW_MS });
    const { Config } = containerInspect(aContainer("running"), { version: "1.50", folders: undefined });
    assert.ok(isRecord(Config));
    assert.deepEqual([summary["Command"], JSON.stringify(Config["Labels"])], ["echo 'a b'", '{"a":"2","b":"1"}']);
  });

  it("shows every field of the host's config, in Docker's order", () => {
    const { HostConfig } = containerInspect(aContainer("running"), { version: "1.50", folders: undefined });
    assert.ok(isRecord(HostConfig));
    const names = Object.keys(HostConfig);
    assert.deepEqual(names.slice(0, 5), ["Binds", "ContainerIDFile", "LogConfig", "NetworkMode", "PortBindings"]);
    assert.deepEqual(names.slice(-4), ["IOMaximumBandwidth", "MaskedPaths", "ReadonlyPaths", "Init"]);
    const { Binds, Dns, DnsSearch, Memory, PidsLimit, MemorySwappiness, OomKillDisable } = HostConfig;
    const shown = [Binds, Dns, DnsSearch, Memory, PidsLimit, MemorySwappiness, OomKillDisable];
    assert.deepEqual(shown, [null, [], null, 1024, 0, null, null]);
  });

  it("reads back the create that it wrote", () => {
    const body = createBody.read(BODY);
    assert.deepEqual(createBody.read(createBody.write(body)), { ...body, endpoints: {} });
  });

  it("takes a runtime that stands beside the host config, unless one stands in it", () => {
    const runtimeOf = (body: object) => createBody.read({ Image: "busybox", ...body }).hostConfig?.runtime;
    assert.equal(runtimeOf({ Runtime: "runc" }), "runc");
    assert.equal(runtimeOf({ Runtime: "runc", HostConfig: { Memory: 1024 } }), "runc");
    assert.equal(runtimeOf({ Runtime: "runc", HostConfig: { Runtime: "crun" } }), "crun");
    assert.equal(runtimeOf({ Runtime: null, HostConfig: {} }), "");
    assert.equal(runtimeOf({}), undefined);
  });
});
