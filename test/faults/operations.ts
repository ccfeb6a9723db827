import { execFileSync } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { encodeMember, TAR_END } from "../../src/lib/tar/writer.ts";
import { FAILED_STEP } from "../../src/daemon/failpoints.ts";
import { Cut, Refused } from "./acknowledged.ts";
import { download, get } from "./client.ts";
import type { FaultHost } from "./fault-host.ts";
import { MOUNT_OPERATIONS } from "./mount-operations.ts";
import {
  act,
  type ContainerOptions,
  create,
  createVolume,
  IMAGE,
  type Operation,
  published,
  remove,
  runPublished,
  runWith,
  start,
  type World,
} from "./operation.ts";
import { WAITING_OPERATIONS } from "./waiting-operations.ts";

/** Every change that a client can ask for, and a restart of the daemon. */
export const OPERATIONS: readonly Operation[] = [
  { name: "create", run: world => create(world, { Volumes: { "/etc": {} }, HostConfig: { Binds: [`${world.name}:/data`] } }) },
  { name: "start", prepare: world => create(world, published(world)), run: start },
  { name: "start on a network", prepare: prepareOnNetwork, run: start },
  { name: "start with a mounted volume", prepare: prepareMountedVolume, run: start },
  { name: "start and fail", prepare: world => create(world, { Cmd: ["/no/such/program"] }), run: startInVain },
  { name: "stop", prepare: runPublished, run: world => act(world, "stop?t=0") },
  { name: "stop with a mounted volume", prepare: runMountedVolume, run: world => act(world, "stop?t=0") },
  { name: "restart", prepare: runPublished, run: world => act(world, "restart?t=0") },
  { name: "kill", prepare: runPublished, run: world => act(world, "kill") },
  { name: "remove", prepare: world => create(world, { Volumes: { "/etc": {} } }), run: remove },
  { name: "remove by force", prepare: runPublished, run: remove },
  { name: "run --rm", run: runAndForget },
  { name: "exec", prepare: runPublished, run: world => exec(world, { isTty: false }) },
  { name: "exec with a terminal", prepare: runPublished, run: world => exec(world, { isTty: true }) },
  {
    name: "exec with a terminal under runc",
    prepare: world => runWith(world, { HostConfig: { Runtime: "runc" } }),
    run: world => exec(world, { isTty: true }),
  },
  { name: "pause", prepare: runPublished, run: world => act(world, "pause") },
  { name: "unpause", prepare: runPaused, run: world => act(world, "unpause") },
  { name: "update", prepare: runPublished, run: update },
  { name: "rename", prepare: runPublished, run: rename },
  { name: "copy in", prepare: runPublished, run: copyIn },
  { name: "rotate logs", prepare: runChatty, run: awaitRotation },
  { name: "send logs", prepare: world => create(world, forwarded(world)), run: sendLogs },
  { name: "start with shared memory", prepare: world => create(world, { HostConfig: { IpcMode: "shareable" } }), run: start },
  {
    name: "stop with shared memory",
    prepare: world => runWith(world, { HostConfig: { IpcMode: "shareable" } }),
    run: world => act(world, "stop?t=0"),
  },
  { name: "network create", run: world => createNetwork(world, world.name) },
  { name: "network connect", prepare: prepareConnect, run: world => onNetwork(world, "connect") },
  { name: "network disconnect", prepare: prepareDisconnect, run: world => onNetwork(world, "disconnect") },
  { name: "network remove", prepare: world => createNetwork(world, world.name), run: world => removeNamed(world, "network") },
  { name: "volume create", run: world => createVolume(world) },
  { name: "volume remove", prepare: createVolume, run: world => removeNamed(world, "volume") },
  { name: "import", run: importImage },
  { name: "import of what is compressed", run: importCompressed },
  { name: "build", run: build },
  { name: "load", prepare: prepareLoad, run: load },
  { name: "commit", prepare: prepareCommit, run: commit },
  { name: "tag", run: tag },
  { name: "image remove", prepare: importImage, run: world => removeNamed(world, "image") },
  { name: "container prune", prepare: world => create(world), run: prune("containers", "container") },
  { name: "network prune", prepare: world => createNetwork(world, world.name), run: prune("networks", "network") },
  { name: "volume prune", prepare: createVolume, run: prune("volumes", "volume") },
  { name: "image prune", prepare: importImage, run: prune("images", "image") },
  ...WAITING_OPERATIONS,
  ...MOUNT_OPERATIONS,
  { name: "upgrade of the data root", prepare: runPublished, run: upgradeDataRoot },
  { name: "restart of the daemon", prepare: runPublished, run: restartDaemon },
];

async function startInVain(world: World): Promise<void> {
  await act(world, "start").catch((error: unknown) => {
    if (!/no such file or directory/.test(String(error))) throw error;
  });
}

async function runPaused(world: World): Promise<void> {
  await runPublished(world);
  await act(world, "pause");
}

async function createNetwork({ known }: World, name: string): Promise<void> {
  await known.change({ method: "POST", path: "/networks/create", body: { Name: name } }, [`network:${name}`, "there"]);
}

async function prepareOnNetwork(world: World): Promise<void> {
  await createNetwork(world, world.name);
  await create(world, { HostConfig: { NetworkMode: world.name, PublishAllPorts: true } });
}

async function prepareConnect(world: World): Promise<void> {
  await createNetwork(world, world.name);
  await runPublished(world);
}

async function prepareDisconnect(world: World): Promise<void> {
  await prepareConnect(world);
  await onNetwork(world, "connect");
}

async function onNetwork({ known, name }: World, verb: "connect" | "disconnect"): Promise<void> {
  await known.change({ method: "POST", path: `/networks/${name}/${verb}`, body: { Container: name } }, [
    `container:${name}`,
    "running",
  ]);
}

async function prepareMountedVolume(world: World): Promise<void> {
  const { known, name } = world;
  const body = { Name: name, DriverOpts: { type: "tmpfs", device: "tmpfs" } };
  await known.change({ method: "POST", path: "/volumes/create", body }, [`volume:${name}`, "there"]);
  await create(world, { HostConfig: { Binds: [`${name}:/data`] } });
}

async function runMountedVolume(world: World): Promise<void> {
  await prepareMountedVolume(world);
  await start(world);
}

async function removeNamed({ known, name }: World, kind: "network" | "volume" | "image"): Promise<void> {
  await known.change({ method: "DELETE", path: `/${kind}s/${name}` }, [`${kind}:${name}`, "gone"]);
}

async function runAndForget(world: World): Promise<void> {
  const { known, name } = world;
  await create(world, { Cmd: ["true"], Volumes: { "/etc": {} }, HostConfig: { AutoRemove: true } });
  const goes = [`container:${name}`, "any"] as const;
  await known.change({ method: "POST", path: `/containers/${name}/start` }, goes);
  await known.change({ method: "POST", path: `/containers/${name}/wait?condition=removed` }, goes).catch(ignoreMissing);
}

function ignoreMissing(error: unknown): void {
  if (!/No such container/.test(String(error))) throw error;
}

async function exec({ host, known, name }: World, { isTty }: { readonly isTty: boolean }): Promise<void> {
  const body = { Cmd: ["echo", "done"], AttachStdout: true, Tty: isTty };
  const { Id } = await known.change<{ readonly Id: string }>({ method: "POST", path: `/containers/${name}/exec`, body });
  const output = await known.change<string>({ method: "POST", path: `/exec/${Id}/start`, body: { Detach: false, Tty: isTty } });
  if (String(output).includes("done")) return;
  if (String(output).includes(FAILED_STEP)) throw new Refused({ method: "POST", path: "exec" }, 500, output);
  await host.awaitDeath().catch(() => undefined);
  if (!host.isUp()) throw new Cut("the output ends with the daemon");
  throw new Error(`exec said ${JSON.stringify(output)}`);
}

async function update({ known, name }: World): Promise<void> {
  const body = { CpuShares: 512, RestartPolicy: { Name: "on-failure", MaximumRetryCount: 2 } };
  await known.change({ method: "POST", path: `/containers/${name}/update`, body }, [`container:${name}`, "running"]);
}

async function rename({ known, name }: World): Promise<void> {
  const next = `${name}-renamed`;
  await known.change(
    { method: "POST", path: `/containers/${name}/rename?name=${next}` },
    [`container:${name}`, "gone"],
    [`container:${next}`, "running"],
  );
}

async function copyIn({ known, name }: World): Promise<void> {
  await known.change({ method: "PUT", path: `/containers/${name}/archive?path=/tmp`, body: smallArchive(name) });
}

async function runChatty(world: World): Promise<void> {
  await runWith(world, {
    Cmd: ["sh", "-c", "while true; do seq 1 400; sleep 0.1; done"],
    HostConfig: { LogConfig: { Type: "json-file", Config: { "max-size": "20k", "max-file": "3", compress: "true" } } },
  });
}

const ROTATION_MS = 15_000;

/** Nobody asks for it: it is waited for. */
async function awaitRotation({ host, known, name }: World): Promise<void> {
  const deadlineMs = performance.now() + ROTATION_MS;
  const seen: string[] = [];
  while (performance.now() < deadlineMs && host.isUp() && !seen.some(hit => hit.startsWith("logs/rotate.rename"))) {
    seen.push(...host.peekHits());
    await new Promise(resolve => setTimeout(resolve, 20));
  }
  await known.change({ method: "GET", path: `/containers/${name}/json` });
}

function forwarded({ host }: World): ContainerOptions {
  const Config = { "syslog-address": `unix://${host.syslogPath}` };
  return { Cmd: ["sh", "-c", "seq 1 20; sleep 1000000"], HostConfig: { LogConfig: { Type: "syslog", Config } } };
}

/** What was sent is noted at the latest when the container ends. */
async function sendLogs(world: World): Promise<void> {
  await start(world);
  await act(world, "kill");
}

async function importImage(world: World): Promise<void> {
  await importArchive(world, smallArchive(world.name));
}

async function importCompressed(world: World): Promise<void> {
  await importArchive(world, execFileSync("xz", ["-c"], { input: smallArchive(world.name) }));
}

async function importArchive({ known, name }: World, body: Buffer): Promise<void> {
  const path = `/images/create?fromSrc=-&repo=${name}&tag=latest`;
  await known.change({ method: "POST", path, body }, [`image:${name}`, "there"]);
}

const saved = new WeakMap<FaultHost, Buffer>();

async function prepareLoad(world: World): Promise<void> {
  await importImage(world);
  saved.set(world.host, await download(world.host.socket, `/images/${world.name}/get`));
  await removeNamed(world, "image");
}

async function load({ host, known, name }: World): Promise<void> {
  await known.change({ method: "POST", path: "/images/load", body: saved.get(host) }, [`image:${name}`, "there"]);
}

async function prepareCommit(world: World): Promise<void> {
  await runPublished(world);
  await copyIn(world);
}

async function commit({ known, name }: World): Promise<void> {
  await known.change({ method: "POST", path: `/commit?container=${name}&repo=${name}&tag=latest`, body: {} }, [
    `image:${name}`,
    "there",
  ]);
}

/** A step of every kind: settings, a command, a folder, files of the context and of an image. */
async function build({ known, name }: World): Promise<void> {
  const dockerfile = `FROM ${IMAGE} AS one
ENV name=${name}
VOLUME /data
RUN echo ${name} >/made
WORKDIR /work
FROM ${IMAGE}
COPY file /file
COPY --from=one /made /made
`;
  const members = [
    encodeMember({ type: "file", path: "Dockerfile" }, Buffer.from(dockerfile)),
    encodeMember({ type: "file", path: "file" }, Buffer.from(name)),
  ];
  const body = Buffer.concat([...members, TAR_END]);
  await known.change({ method: "POST", path: `/build?t=${name}&forcerm=1`, body }, [`image:${name}`, "there"]);
}

async function tag({ known, name }: World): Promise<void> {
  await known.change({ method: "POST", path: `/images/${IMAGE}/tag?repo=${name}&tag=latest` }, [`image:${name}`, "there"]);
}

function prune(path: string, kind: "container" | "network" | "volume" | "image"): (world: World) => Promise<void> {
  return async ({ known, name }) => {
    const filter = { containers: {}, networks: {}, volumes: { all: ["true"] }, images: { dangling: ["false"] } }[path] ?? {};
    const call = { method: "POST", path: `/${path}/prune?filters=${encodeURIComponent(JSON.stringify(filter))}` } as const;
    // What could not be removed is passed over, as in Docker, and is not in the answer.
    const word = kind === "container" ? await containerId(known, name) : name;
    const isNamed = (answer: unknown) => JSON.stringify(answer).includes(word);
    await known.changeIf(isNamed, call, [`${kind}:${name}`, "gone"]);
  };
}

async function containerId(known: World["known"], name: string): Promise<string> {
  return (await known.change<{ readonly Id: string }>({ method: "GET", path: `/containers/${name}/json` })).Id;
}

async function upgradeDataRoot(world: World): Promise<void> {
  await world.host.stop();
  rmSync(join(world.host.lab.directory, "data/format.json")); // As the first version left it.
  await restartDaemon(world);
}

async function restartDaemon({ host, known }: World): Promise<void> {
  await host.stop();
  await host.start().catch((error: unknown) => {
    throw host.isArmed() || host.isUp() ? error : new Cut(String(error)); // Killed while it started.
  });
  await known.change({ method: "GET", path: "/_ping" });
}

/** One file, whose content is the name. */
function smallArchive(name: string): Buffer {
  return archiveOf(name, name);
}

function archiveOf(path: string, content: string): Buffer {
  return Buffer.concat([encodeMember({ type: "file", path }, Buffer.from(content)), TAR_END]);
}

/** Takes away what a round made, by the names it gave. */
export async function cleanUp({ host, known, name }: World): Promise<void> {
  for (const container of [name, `${name}-renamed`]) {
    if (known.has(`container:${container}`)) await remove({ host, known, name: container });
  }
  for (const kind of ["network", "volume", "image"] as const) {
    if (known.has(`${kind}:${name}`)) await removeNamed({ host, known, name }, kind);
  }
  await get(host.socket, "/_ping");
}
