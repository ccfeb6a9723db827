import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { configSource } from "../../../src/daemon/config.ts";
import { reloadAttributes, Settings } from "../../../src/daemon/settings.ts";

describe("Settings", () => {
  let directory: string;
  let path: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "shoal-settings-"));
    path = join(directory, "daemon.json");
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  const write = (content: unknown) => writeFileSync(path, JSON.stringify(content));
  async function load(content: unknown, ...flags: readonly string[]): Promise<Settings> {
    write(content);
    return Settings.load(configSource([...flags, "--config-file", path]));
  }
  async function reload(settings: Settings, content: unknown) {
    write(content);
    const next = await settings.next();
    settings.apply(next);
    return next;
  }

  it("takes over what dockerd reloads, and says what has to wait", async () => {
    const settings = await load({ "log-driver": "local" });
    const { waiting } = await reload(settings, {
      debug: true,
      labels: ["a=b"],
      "live-restore": false,
      "shutdown-timeout": 3,
      mtu: 1400,
      "data-root": "/elsewhere",
    });
    const { isDebug, logLevel, labels, liveRestore, shutdownTimeoutSeconds, networks, dataRoot, containers } = settings.current;
    assert.deepEqual([isDebug, logLevel, labels, liveRestore, shutdownTimeoutSeconds], [true, "debug", ["a=b"], false, 3]);
    assert.deepEqual([networks.defaultBridge.mtuBytes, dataRoot, containers.logConfig.type], [1500, "/var/lib/shoal", "local"]);
    assert.deepEqual(waiting.toSorted(), ["data-root", "log-driver", "mtu"]);
  });

  it("keeps what the file no longer names, but for limits, features and plugins", async () => {
    const settings = await load({ labels: ["a=b"], "live-restore": false, debug: true, "default-shm-size": "32m" });
    await reload(settings, { "max-concurrent-downloads": 7, features: { x: false }, "authorization-plugins": ["p"] });
    assert.deepEqual(settings.current.authorizationPlugins, ["p"]);
    await reload(settings, {});
    const attributes = reloadAttributes(settings.current, { hostname: "h", defaultRuntime: "crun", cgroupnsMode: "host" });
    assert.deepEqual(attributes, {
      name: "h",
      debug: "true",
      "default-cgroupns-mode": "host",
      "default-ipc-mode": "private",
      "default-runtime": "crun",
      "default-shm-size": "33554432",
      features: "map[]",
      "insecure-registries": "[]",
      labels: '["a=b"]',
      "live-restore": "false",
      "max-concurrent-downloads": "3",
      "max-concurrent-uploads": "5",
      "max-download-attempts": "5",
      "registry-mirrors": "[]",
      runtimes: "",
      "shutdown-timeout": "15",
    });
    assert.deepEqual(settings.current.authorizationPlugins, []);
  });

  it("changes nothing for a file that cannot be honoured", async () => {
    const settings = await load({ labels: ["a=b"] });
    const before = settings.current;
    for (const content of [{ debug: "x", labels: [] }, { hosts: ["unix:///x"], iptables: false }, { nope: 1 }]) {
      write(content);
      await assert.rejects(settings.next(), /^OperationError: unable to configure the Docker daemon with file /);
    }
    assert.equal(settings.current, before);
  });

  it("refuses on reload what a flag has said", async () => {
    const settings = await load({}, "--debug");
    write({ debug: false });
    await assert.rejects(settings.next(), /specified both as a flag and in the configuration file: debug: \(from flag: true/);
  });
});
