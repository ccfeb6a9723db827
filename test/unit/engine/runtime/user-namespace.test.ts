import assert from "node:assert/strict";
import { checkHostConfig, planSpec, type SpecRequest } from "../../../../src/engine/runtime/oci/spec.ts";
import type { HostConfig } from "../../../../src/model/container.ts";
import type { IdMap } from "../../../../src/model/id-map.ts";
import { asId, type ContainerId } from "../../../../src/model/ids.ts";
import { aContainerConfig, aHostConfig } from "../../../integration/runtime/host-config.ts";
import { someFacts } from "./facts.ts";

const idMap: IdMap = {
  uids: [{ containerId: 0, hostId: 100_000, count: 65_536 }],
  gids: [{ containerId: 0, hostId: 200_000, count: 65_536 }],
};
const facts = { ...someFacts(), idMap };
const [NET, USER] = ["/run/netns/c1", "/run/netns/c1.user"];

function linuxOf(hostConfig: Partial<HostConfig> = {}, request: Partial<SpecRequest> = {}) {
  const { spec } = planSpec({
    container: {
      id: asId<ContainerId>("c1"),
      path: "sh",
      args: [],
      config: aContainerConfig(),
      hostConfig: aHostConfig({ networkMode: "bridge", ...hostConfig }),
    },
    rootfsPath: "/root-fs",
    user: { uid: 0, gid: 0, additionalGids: [], home: "/root" },
    joined: {},
    mounts: [],
    cgroupParent: "/shoal",
    deviceNodes: [],
    facts,
    ...request,
  });
  const cgroups = spec.mounts.find(({ type }) => type === "cgroup")?.options ?? [];
  return { ...spec.linux, user: spec.linux.namespaces.find(({ type }) => type === "user"), cgroups };
}

describe("a container whose ids are mapped", () => {
  it("is in the user namespace that owns its network, and the runtime is told of the mapping", () => {
    const { user, uidMappings, gidMappings } = linuxOf({}, { networkNamespacePath: NET, userNamespacePath: USER });
    assert.deepEqual(user, { type: "user", path: USER });
    assert.deepEqual(uidMappings, [{ containerID: 0, hostID: 100_000, size: 65_536 }]);
    assert.deepEqual(gidMappings, [{ containerID: 0, hostID: 200_000, size: 65_536 }]);
  });

  it("is the host's root's to crun where crun makes no namespace, or it would give the host's /dev/null away", () => {
    const paths = { networkNamespacePath: NET, userNamespacePath: USER };
    const { uidMappings } = linuxOf({ runtime: "crun" }, paths);
    assert.deepEqual(uidMappings, [
      { containerID: 0, hostID: 0, size: 1 },
      { containerID: 1, hostID: 100_001, size: 65_535 },
    ]);
    assert.deepEqual(linuxOf({ runtime: "crun" }).uidMappings, linuxOf({ runtime: "runc" }, paths).uidMappings);
  });

  it("gets a new one from the runtime where it has no network of the engine's", () =>
    assert.deepEqual(linuxOf().user, { type: "user" }));

  it("is in that of a container whose namespaces it shares", () => {
    const paths = { networkNamespacePath: NET, userNamespacePath: USER };
    const joining = (mode: Partial<HostConfig>, joined: SpecRequest["joined"]) => linuxOf(mode, { ...paths, joined }).user?.path;
    assert.equal(joining({ networkMode: "container:a" }, { network: 7 }), "/proc/7/ns/user");
    assert.equal(joining({ ipcMode: "container:b" }, { ipc: 8 }), "/proc/8/ns/user");
    assert.equal(joining({ pidMode: "container:c" }, { pid: 9, ipc: 8 }), "/proc/9/ns/user");
  });

  it("has no range of groups that it does not know, and its cgroups as they are", () => {
    const { sysctl, cgroups } = linuxOf();
    assert.deepEqual(sysctl, { "net.ipv4.ip_unprivileged_port_start": "0" });
    assert.ok(cgroups.includes("rw"));
  });

  it("has the host's with --userns host", () => {
    const { user, uidMappings, sysctl } = linuxOf({ usernsMode: "host" }, { networkNamespacePath: NET });
    assert.deepEqual([user, uidMappings], [undefined, undefined]);
    assert.ok("net.ipv4.ping_group_range" in sysctl);
  });

  it("is refused what needs the host's root, in Docker's words, unless it is the host's", () => {
    const refused: readonly (readonly [Partial<HostConfig>, string])[] = [
      [
        { privileged: true },
        "privileged mode is incompatible with user namespaces.  You must run the container in the host namespace when running privileged mode",
      ],
      [{ networkMode: "host" }, "cannot share the host's network namespace when user namespaces are enabled"],
      [{ pidMode: "host" }, "cannot share the host PID namespace when user namespaces are enabled"],
    ];
    for (const [hostConfig, message] of refused) {
      assert.throws(() => checkHostConfig(aHostConfig(hostConfig), facts), { kind: "invalid", message });
      checkHostConfig(aHostConfig({ ...hostConfig, usernsMode: "host" }), facts);
      checkHostConfig(aHostConfig(hostConfig), someFacts());
    }
    assert.throws(() => linuxOf({ securityOpt: ["writable-cgroups=false"] }), {
      message: "option WritableCgroups conflicts with user namespaces and rootless mode",
    });
  });
});
