import { mkdirSync, writeFileSync } from "node:fs";
import { act, create, createVolume, IMAGE, type Operation, remove, runWith, start, type World } from "./operation.ts";

const DEVICE = { kind: "shoal.test/device", name: "one" };

/** Containers with all that can be mounted in them, and in the namespaces of others. */
export const MOUNT_OPERATIONS: readonly Operation[] = [
  { name: "create with an image's files", run: world => create(world, withImage()) },
  { name: "start with an image's files", prepare: world => create(world, withImage()), run: start },
  { name: "stop with an image's files", prepare: world => runWith(world, withImage()), run: world => act(world, "stop?t=0") },
  { name: "remove with an image's files", prepare: world => create(world, withImage()), run: remove },
  { name: "start with a part of a volume", prepare: preparePart, run: start },
  { name: "copy out of where a part of a volume is", prepare: preparePart, run: copyOutOfPart },
  { name: "start with a CDI device", prepare: prepareDevice, run: start },
  { name: "start in another's namespaces", prepare: world => create(world, JOINED), run: start },
  { name: "start with all kinds of limits", prepare: world => create(world, LIMITED), run: start },
];

const JOINED = { HostConfig: { NetworkMode: "container:standing", PidMode: "container:standing" } };

const LIMITED = {
  HostConfig: {
    ...{ Init: true, ReadonlyRootfs: true, ShmSize: 1024 * 1024, CgroupnsMode: "private", CapAdd: ["NET_ADMIN"] },
    ...{ Memory: 64 * 1024 * 1024, NanoCpus: 500_000_000, PidsLimit: 50 },
    Tmpfs: { "/run": "size=1m", "/tmp": "" },
    Ulimits: [{ Name: "nofile", Soft: 100, Hard: 200 }],
    Sysctls: { "net.ipv4.ip_forward": "0" },
    Devices: [{ PathOnHost: "/dev/null", PathInContainer: "/dev/nothing", CgroupPermissions: "rwm" }],
    DeviceCgroupRules: ["c 1:3 rwm"],
    SecurityOpt: ["no-new-privileges"],
    ExtraHosts: ["other:10.0.0.1"],
  },
};

function withImage(): object {
  return { HostConfig: { Mounts: [{ Type: "image", Source: IMAGE, Target: "/image" }] } };
}

/** The part must be there when the container starts: another container makes it. */
async function preparePart(world: World): Promise<void> {
  const { known, name } = world;
  await createVolume(world);
  const maker = { ...world, name: `${name}-renamed` }; // Cleaned up with the rest.
  await create(maker, { Cmd: ["mkdir", "/data/part"], HostConfig: { Binds: [`${name}:/data`], NetworkMode: "none" } });
  const goes = [`container:${maker.name}`, "any"] as const;
  await known.change({ method: "POST", path: `/containers/${maker.name}/start` }, goes);
  await known.change({ method: "POST", path: `/containers/${maker.name}/wait` }, goes);
  const mount = { Type: "volume", Source: name, Target: "/part", VolumeOptions: { Subpath: "part" } };
  await create(world, { HostConfig: { Mounts: [mount] } });
}

/** It is mounted for the copy alone: the container does not run. */
async function copyOutOfPart({ known, name }: World): Promise<void> {
  await known.change({ method: "GET", path: `/containers/${name}/archive?path=/part` });
}

async function prepareDevice(world: World): Promise<void> {
  const folder = world.host.inside("/run/cdi");
  mkdirSync(folder, { recursive: true });
  const edits = { env: ["CDI=yes"], deviceNodes: [{ path: "/dev/one", hostPath: "/dev/null" }] };
  const spec = { cdiVersion: "0.6.0", kind: DEVICE.kind, devices: [{ name: DEVICE.name, containerEdits: edits }] };
  writeFileSync(`${folder}/test.json`, JSON.stringify(spec));
  const DeviceRequests = [{ Driver: "cdi", DeviceIDs: [`${DEVICE.kind}=${DEVICE.name}`] }];
  await create(world, { HostConfig: { DeviceRequests } });
}
