import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { applyEdits } from "../../../../src/engine/runtime/cdi/apply-edits.ts";
import { resolveDeviceRequests } from "../../../../src/engine/runtime/cdi/device-requests.ts";
import type { OciSpec } from "../../../../src/engine/runtime/oci/types.ts";

const cdi = (deviceIds: readonly string[], over: object = {}) => [
  { driver: "cdi", count: 0, deviceIds, capabilities: [], options: {}, ...over },
];

const YAML = `
cdiVersion: 0.6.0
kind: vendor.com/net
containerEdits:
  env: [VENDOR=1]
devices:
  - name: one
    containerEdits:
      env: [ONE=yes]
      deviceNodes: [{ path: /dev/one, hostPath: /dev/zero, permissions: rw }]
      mounts: [{ hostPath: /opt/lib, containerPath: /lib/vendor, options: [ro, nosuid] }]
      hooks: [{ hookName: createContainer, path: /opt/hook, args: [hook, go] }]
      additionalGids: [44]
  - name: two
    containerEdits: { env: [TWO=yes] }
`;
const JSON_WITH_ONE = JSON.stringify({
  cdiVersion: "0.6.0",
  kind: "vendor.com/net",
  devices: [{ name: "one", containerEdits: { env: ["ONE=newer"] } }],
});

describe("devices asked for by name (CDI)", () => {
  let root = "";
  const directories = () => [join(root, "etc"), join(root, "run")];
  const resolve = (requests: ReturnType<typeof cdi>) => resolveDeviceRequests(requests, { directories: directories() });

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "shoal-cdi-"));
    for (const directory of directories()) await mkdir(directory);
  });
  afterEach(() => rm(root, { recursive: true, force: true }));

  it("are found in YAML and JSON, a later folder's before an earlier one's", async () => {
    await writeFile(join(root, "etc/vendor.yaml"), YAML);
    assert.deepEqual(
      (await resolve(cdi(["vendor.com/net=one", "vendor.com/net=two"]))).flatMap(({ env }) => env),
      ["VENDOR=1", "ONE=yes", "TWO=yes"],
    );
    await writeFile(join(root, "run/vendor.json"), JSON_WITH_ONE);
    assert.deepEqual(
      (await resolve(cdi(["vendor.com/net=one"]))).flatMap(({ env = [] }) => env),
      ["ONE=newer"],
    );
  });

  it("are refused when nobody, or two of one folder, have them", async () => {
    await writeFile(join(root, "etc/a.json"), JSON_WITH_ONE);
    await writeFile(join(root, "etc/b.json"), JSON_WITH_ONE);
    await writeFile(join(root, "etc/broken.yaml"), "kind: [");
    await assert.rejects(resolve(cdi(["vendor.com/net=one", "x.y/z=q"])), {
      message: "CDI device injection failed: unresolvable CDI devices vendor.com/net=one, x.y/z=q",
    });
    await assert.rejects(resolve(cdi(["a"], { options: { x: "y" } })), {
      message: "unexpected options in CDI device request",
    });
    await assert.rejects(resolve(cdi([], { driver: "", capabilities: [["compute", "gpu"]] })), {
      message: 'could not select device driver "" with capabilities: [[compute gpu]]',
    });
  });

  it("bring their variables, nodes, rules, mounts, groups and hooks", async () => {
    await writeFile(join(root, "etc/vendor.yaml"), YAML);
    const edits = await resolve(cdi(["vendor.com/net=one"]));
    const zero = { path: "/dev/zero", type: "c", major: 1, minor: 5, mode: 0o666, uid: 0, gid: 0 } as const;
    const { process, mounts, linux, hooks } = applyEdits(SPEC, { edits, nodes: [zero] });
    assert.deepEqual(process.env, ["PATH=/bin", "VENDOR=1", "ONE=yes"]);
    assert.deepEqual(process.user.additionalGids, [5, 44]);
    assert.deepEqual(mounts, [
      { destination: "/lib/vendor", source: "/opt/lib", type: "bind", options: ["bind", "ro", "nosuid"] },
    ]);
    assert.deepEqual(linux.devices, [{ type: "c", path: "/dev/one", major: 1, minor: 5, fileMode: 0o666, uid: 7, gid: 8 }]);
    assert.deepEqual(linux.resources.devices, [{ allow: true, type: "c", major: 1, minor: 5, access: "rw" }]);
    assert.deepEqual(hooks, { createContainer: [{ path: "/opt/hook", args: ["hook", "go"] }] });
    assert.throws(() => applyEdits(SPEC, { edits, nodes: [] }), { message: /failed to stat CDI host device "\/dev\/zero"/ });
  });
});

const SPEC: OciSpec = {
  ociVersion: "1.0.2",
  process: {
    terminal: false,
    user: { uid: 7, gid: 8, additionalGids: [5] },
    args: ["x"],
    env: ["PATH=/bin", "ONE=no"],
    cwd: "/",
    capabilities: { bounding: [], effective: [], permitted: [], inheritable: [], ambient: [] },
    rlimits: [],
    noNewPrivileges: false,
    oomScoreAdj: 0,
  },
  root: { path: "/", readonly: false },
  mounts: [],
  linux: {
    namespaces: [],
    cgroupsPath: "/x",
    resources: {},
    devices: [],
    sysctl: {},
    maskedPaths: [],
    readonlyPaths: [],
  },
};
