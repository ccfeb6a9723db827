import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CONTAINER_DEFAULTS } from "../../../../src/engine/containers/container-defaults.ts";
import { mergeImageConfig } from "../../../../src/engine/containers/merge-image-config.ts";
import { inventName } from "../../../../src/engine/containers/names.ts";
import { parseBind } from "../../../../src/engine/containers/parse-bind.ts";
import { planMounts } from "../../../../src/engine/containers/plan-mounts.ts";
import { resolveInRoot } from "../../../../src/engine/containers/prepare-mounts.ts";
import { settleHostConfig } from "../../../../src/engine/containers/settle-host-config.ts";
import { startFailure } from "../../../../src/engine/containers/start-error.ts";
import { findThrottlePaths } from "../../../../src/engine/runtime/host-facts.ts";
import { MASKED_PATHS } from "../../../../src/engine/runtime/oci/masked-paths.ts";
import { OperationError } from "../../../../src/lib/errors.ts";
import type { ContainerConfig, HostConfig, LogConfig } from "../../../../src/model/container.ts";
import type { ImageConfig } from "../../../../src/model/image.ts";
import { aRequest, FakeWorld } from "./fake-world.ts";

const image: ImageConfig = {
  user: "app",
  env: ["PATH=/bin", "MODE=image"],
  entrypoint: ["/entry"],
  cmd: ["serve"],
  volumes: ["/data"],
  workingDir: "/srv",
  labels: { from: "image", both: "image" },
  stopSignal: "SIGQUIT",
  exposedPorts: ["80/tcp"],
  healthcheck: { test: ["CMD", "check"], intervalNs: 5, retries: 2 },
};
const merge = (config: Partial<ContainerConfig>, from = image) => mergeImageConfig(aRequest({ config }).config, from);

describe("mergeImageConfig", () => {
  const commands: readonly (readonly [
    own: Partial<ContainerConfig>,
    entrypoint: readonly string[] | undefined,
    cmd: readonly string[] | undefined,
  ])[] = [
    [{}, ["/entry"], ["serve"]],
    [{ cmd: ["x"] }, ["/entry"], ["x"]],
    [{ entrypoint: ["/own"] }, ["/own"], undefined],
    [{ entrypoint: ["/own"], cmd: ["x"] }, ["/own"], ["x"]],
    [{ entrypoint: [""], cmd: ["x"] }, undefined, ["x"]],
    [{ entrypoint: [], cmd: ["x"] }, undefined, ["x"]],
  ];
  for (const [own, entrypoint, cmd] of commands) {
    it(`runs ${JSON.stringify([entrypoint, cmd])} when asked for ${JSON.stringify(own)}`, () => {
      const merged = merge(own);
      assert.deepEqual([merged.entrypoint, merged.cmd], [entrypoint, cmd]);
    });
  }

  it("lets the user's settings win, name by name", () => {
    const merged = merge({
      env: ["MODE=own", "MORE=1"],
      labels: { both: "own" },
      volumes: ["/more"],
      healthcheck: { retries: 9 },
      user: "root",
    });
    assert.deepEqual(merged.env, ["MODE=own", "MORE=1", "PATH=/bin"]);
    assert.deepEqual(merged.labels, { from: "image", both: "own" });
    assert.deepEqual(merged.volumes, ["/more", "/data"]);
    assert.deepEqual(merged.healthcheck, { test: ["CMD", "check"], intervalNs: 5, retries: 9 });
    assert.deepEqual([merged.user, merged.workingDir, merged.stopSignal], ["root", "/srv", "SIGQUIT"]);
  });

  it("needs something to run", () => {
    const { entrypoint: _entrypoint, cmd: _cmd, ...empty } = image;
    assert.throws(() => merge({}, empty), { kind: "invalid", message: "no command specified" });
  });
});

describe("settleHostConfig", () => {
  const settle = (hostConfig: Partial<HostConfig>, logConfig: LogConfig = CONTAINER_DEFAULTS.logConfig) =>
    settleHostConfig(aRequest({ hostConfig }).hostConfig, {
      defaultRuntime: () => "runc",
      cgroupVersion: 2,
      defaults: () => ({ ...CONTAINER_DEFAULTS, logConfig }),
    });

  it("masks what this machine's processors tell of their heat, beside what is masked everywhere", () => {
    const throttlePaths = ["/sys/devices/system/cpu/cpu0/thermal_throttle"];
    const masked = (hostConfig: Partial<HostConfig>) =>
      settleHostConfig(aRequest({ hostConfig }).hostConfig, { defaultRuntime: () => "runc", cgroupVersion: 2, throttlePaths })
        .maskedPaths;
    assert.deepEqual(masked({}), [...MASKED_PATHS, ...throttlePaths]);
    assert.deepEqual(masked({ maskedPaths: ["/proc/given"] }), ["/proc/given"]);
    assert.deepEqual(masked({ privileged: true }), undefined);
  });

  it("finds of the processors those that tell of it", async () => {
    const folder = mkdtempSync(join(tmpdir(), "shoal-cpus-"));
    try {
      for (const name of ["cpu10/thermal_throttle", "cpu2/thermal_throttle", "cpu3/topology", "cpufreq/thermal_throttle"])
        mkdirSync(join(folder, name), { recursive: true });
      assert.deepEqual(
        await findThrottlePaths(folder),
        ["cpu2", "cpu10"].map(name => join(folder, name, "thermal_throttle")),
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("fills in what inspect shows", () => {
    const { networkMode, restartPolicy, logConfig, memorySwapBytes, shmSizeBytes, ipcMode, cgroupnsMode, runtime } = settle({
      memoryBytes: 100,
    });
    assert.deepEqual(
      { networkMode, restartPolicy, logConfig, memorySwapBytes, shmSizeBytes, ipcMode, cgroupnsMode, runtime },
      {
        networkMode: "bridge",
        restartPolicy: { name: "no", maximumRetryCount: 0 },
        logConfig: { type: "json-file", options: {} },
        memorySwapBytes: 200,
        shmSizeBytes: 64 * 2 ** 20,
        ipcMode: "private",
        cgroupnsMode: "private",
        runtime: "runc",
      },
    );
  });

  it("takes the daemon's log settings where the container has none of its own", () => {
    const ofDaemon = { type: "local", options: { "max-size": "1m", "cache-disabled": "true" } };
    const settled = (type: string, options = {}) => settle({ logConfig: { type, options } }, ofDaemon).logConfig;
    assert.deepEqual(settled(""), ofDaemon);
    assert.deepEqual(settled("local", { "max-size": "2m" }).options, { "max-size": "2m", "cache-disabled": "true" });
    assert.deepEqual(settled("syslog"), { type: "syslog", options: { "cache-disabled": "true" } });
    assert.throws(() => settled("foo"), {
      kind: "invalid",
      message: 'error looking up logging plugin foo: plugin "foo" not found',
    });
  });

  it("refuses a count of retries where none are counted", () => {
    assert.throws(() => settle({ restartPolicy: { name: "always", maximumRetryCount: 3 } }), { kind: "invalid" });
  });
});

describe("parseBind", () => {
  const driver = { volumeDriver: "" };
  const plans = [
    {
      text: "/src:/dst",
      plan: { kind: "bind", source: "/src", destination: "/dst", isWritable: true, propagation: "", mode: "" },
    },
    {
      text: "/src/:/dst/:ro,rslave",
      plan: { kind: "bind", source: "/src", destination: "/dst", isWritable: false, propagation: "rslave", mode: "ro,rslave" },
    },
    {
      text: "vol:/dst:nocopy",
      plan: {
        kind: "volume",
        name: "vol",
        destination: "/dst",
        isWritable: true,
        copiesImage: false,
        isAnonymous: false,
        mode: "nocopy",
      },
    },
    {
      text: "/dst",
      plan: { kind: "volume", name: "", destination: "/dst", isWritable: true, copiesImage: true, isAnonymous: true, mode: "" },
    },
  ];
  for (const { text, plan } of plans) {
    it(`takes ${text}`, () => {
      const parsed: Readonly<Record<string, unknown>> = { ...parseBind(text, driver) };
      assert.deepEqual(Object.fromEntries(Object.keys(plan).map(key => [key, parsed[key]])), plan);
    });
  }

  const refused = [
    { text: "/a:/b:ro:x", message: "invalid volume specification: '/a:/b:ro:x'" },
    { text: "/a:b", message: /mount path must be absolute/ },
    { text: "/a:/", message: "invalid volume specification: '/a:/': destination can't be '/'" },
    { text: "/a:/b:nope", kind: "internal", message: "invalid mode: nope" },
    { text: "/a:/b:ro,rw", kind: "internal", message: "invalid mode: ro,rw" },
    { text: "a b:/c", message: /includes invalid characters for a local volume name/ },
  ];
  for (const { text, message, kind = "invalid" } of refused) {
    it(`refuses ${text}`, () => assert.throws(() => parseBind(text, driver), { kind, message }));
  }
});

describe("planMounts", () => {
  it("puts parents first, own mounts over inherited ones, image volumes last", () => {
    const request = aRequest({
      config: { volumes: ["/a/b", "/data"] },
      hostConfig: { binds: ["/x:/a/b/c", "/y:/data"], tmpfs: { "/a": "size=1m" } },
    });
    const inherited = planMounts({ ...aRequest({ hostConfig: { binds: ["/old:/data", "/z:/kept"] } }), inherited: [] });
    const plans = planMounts({ ...request, inherited });
    assert.deepEqual(
      plans.map(plan => `${plan.kind} ${plan.destination} ${plan.kind === "bind" ? plan.source : ""}`.trim()),
      ["bind /data /y", "bind /kept /z", "tmpfs /a", "volume /a/b", "bind /a/b/c /x"],
    );
  });

  it("refuses two mounts in one place", () => {
    const request = aRequest({ hostConfig: { binds: ["/x:/a", "/y:/a/"] } });
    assert.throws(() => planMounts({ ...request, inherited: [] }), { kind: "invalid", message: "Duplicate mount point: /a" });
  });

  it("refuses a --mount without a source or target", () => {
    const plan = (mounts: HostConfig["mounts"]) => planMounts({ ...aRequest({ hostConfig: { mounts } }), inherited: [] });
    assert.throws(() => plan([{ type: "bind", target: "/a" }]), {
      message: 'invalid mount config for type "bind": field Source must not be empty',
    });
    assert.throws(() => plan([{ type: "volume", target: "" }]), {
      message: 'invalid mount config for type "volume": field Target must not be empty',
    });
    assert.throws(() => plan([{ type: "image", target: "/a", source: "x", image: { subpath: "../y" } }]), {
      message: 'invalid mount config for type "image": subpath must be a relative path within the volume',
    });
    assert.throws(() => plan([{ type: "cluster", target: "/a", source: "x" }]), {
      message: 'mount type "cluster" is not supported',
    });
  });
});

describe("mounts of a container", () => {
  it("are shown, made and inherited", async () => {
    await using world = await FakeWorld.create();
    const source = join(world.directory, "made/by/bind");
    await world.run({
      name: "first",
      hostConfig: { binds: [`${source}:/bound:ro`, "vol:/data"] },
      config: { volumes: ["/anonymous"] },
    });
    const { mounts } = await world.engine.inspect("first");
    const [anonymous] = (await world.volumes.list({})).filter(({ isAnonymous }) => isAnonymous);
    assert.deepEqual(
      mounts.map(({ type, name, source: from, destination, isWritable }) => ({ type, name, from, destination, isWritable })),
      [
        { type: "bind", name: undefined, from: source, destination: "/bound", isWritable: false },
        { type: "volume", name: "vol", from: join(world.directory, "volumes/vol/_data"), destination: "/data", isWritable: true },
        { type: "volume", name: anonymous?.name, from: anonymous?.mountpoint, destination: "/anonymous", isWritable: true },
      ],
    );
    const { id } = await world.engine.create(aRequest({ name: "second", hostConfig: { volumesFrom: ["first:ro"] } }));
    assert.equal(
      (await world.engine.inspect(id)).mounts.every(({ isWritable }) => !isWritable),
      true,
    );
    await world.engine.remove("first", { force: true, volumes: true, link: false });
    assert.deepEqual((await world.volumes.list({})).length, 2); // The second one has them still.
    await assert.rejects(
      world.engine.create(aRequest({ hostConfig: { mounts: [{ type: "bind", source: "/not/there", target: "/x" }] } })),
      { kind: "invalid", message: 'invalid mount config for type "bind": bind source path does not exist: /not/there' },
    );
  });
});

describe("resolveInRoot", () => {
  it("follows links as if the root were the file system's", async () => {
    const root = mkdtempSync(join(tmpdir(), "shct-root-"));
    try {
      mkdirSync(join(root, "var"));
      symlinkSync("/var", join(root, "absolute"));
      symlinkSync("../../../../var", join(root, "var/up"));
      symlinkSync("loop", join(root, "loop"));
      for (const path of ["/absolute/lib", "/var/up/lib", "/../../var/lib", "/var/./x/../lib"]) {
        assert.equal(await resolveInRoot(root, path), join(root, "var/lib"), path);
      }
      await assert.rejects(resolveInRoot(root, "/loop"), { kind: "invalid" });
    } finally {
      rmSync(root, { recursive: true });
    }
  });
});

describe("invented names", () => {
  const random = { uint32: () => 0, bytes: (count: number) => new Uint8Array(count) };
  it("are an adjective and a surname, with a digit when that is taken, and the id at last", () => {
    assert.match(inventName(random, { isFree: () => true, id: "abc" }), /^[a-z]+_[a-z]+$/);
    assert.match(inventName(random, { isFree: name => name.endsWith("0"), id: "abc" }), /^[a-z]+_[a-z]+0$/);
    assert.equal(inventName(random, { isFree: () => false, id: "0123456789abcdef" }), "0123456789ab");
  });
});

describe("startFailure", () => {
  const cases = [
    { said: 'exec: "x": executable file not found in $PATH', exitCode: 127, kind: "invalid" },
    { said: "mount /x: no such file or directory", exitCode: 127, kind: "invalid" },
    { said: 'exec: "/etc": permission denied', exitCode: 126, kind: "invalid" },
    { said: "port is already allocated", exitCode: 128, kind: "internal" },
  ];
  for (const { said, exitCode, kind } of cases) {
    it(`is ${exitCode} for "${said}"`, () => {
      const failure = startFailure(new OperationError("internal", said));
      assert.deepEqual([failure.exitCode, failure.error.kind, failure.error.message], [exitCode, kind, said]);
    });
  }
});
