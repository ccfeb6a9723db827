import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { errorMessage, OperationError } from "../../lib/errors.ts";
import { thenUndo } from "../../lib/undo.ts";
import type {
  Container,
  CreateContainerRequest,
  EndpointState,
  HostConfig,
  LogConfig,
  NetworkState,
} from "../../model/container.ts";
import { asId, type ContainerId, engineIdFrom, type ImageId } from "../../model/ids.ts";
import type { Image } from "../../model/image.ts";
import { allDone } from "../../lib/all-done.ts";
import type { RecordChange } from "../state/database.ts";
import type { ContainerLog } from "../logs/container-log.ts";
import { openLog } from "./container-logging.ts";
import { type ContainerContext, directoryOf, publish } from "./context.ts";
import { ContainerEntry } from "./entry.ts";
import { settleLinks } from "./links.ts";
import { mergeImageConfig } from "./merge-image-config.ts";
import { type ImagePlan, type MountPlan, toMountPoint } from "./mount-plan.ts";
import { SCRATCH } from "../images/scratch.ts";
import { checkContainerName, inventName } from "./names.ts";
import { planMounts } from "./plan-mounts.ts";
import { anonymousVolumeName } from "../volumes/volumes.ts";
import { letContainersPass } from "../files/owned-files.ts";
import { checkBindSource, copyImageContent, holdVolumes, imagesIn, settleVolume } from "./prepare-mounts.ts";
import { type ContainerRecord, idleEndpoint } from "./record.ts";
import { checkRestartOnUnhealthy } from "./restart-unhealthy.ts";
import { forgetVolumesToUndo, noteVolumesToUndo } from "./undo-file.ts";
import { checkConfig, settleHostConfig } from "./settle-host-config.ts";
import { inheritedMounts } from "./volumes-from.ts";

/** What the engine itself asks of a container that it makes for something of its own. */
export interface OwnContainer {
  readonly id: ContainerId;
  /** It stands on nothing, as a build's `FROM scratch` does. */
  readonly isImageless: boolean;
}

/** Makes a container, or nothing. */
export async function createContainer(
  context: ContainerContext,
  asked: CreateContainerRequest,
  own?: OwnContainer,
): Promise<{ readonly id: ContainerId; readonly warnings: readonly string[] }> {
  const { store, random } = context;
  const id = own?.id ?? engineIdFrom<ContainerId>(random.bytes(32));
  context.shim.prepare?.(); // Most are started at once.
  checkConfig(asked.config);
  const name =
    asked.name === undefined || asked.name === ""
      ? inventName(random, { isFree: name => store.isNameFree(name), id })
      : checkContainerName(asked.name);
  const image = own?.isImageless === true ? SCRATCH : context.images.get(asked.config.image);
  checkPlatform(image, asked);
  const settled = settleRequest(context, { request: asked, image, id });
  checkRestartOnUnhealthy(settled);
  const { warnings, discarded } = context.specs.check(settled);
  context.networks.validate(settled);
  const links = settleLinks(context.store, settled.hostConfig);
  const request = { ...settled, hostConfig: { ...withoutDiscarded(settled.hostConfig, discarded), links } };
  const inherited = inheritedMounts(store, request.hostConfig.volumesFrom);
  const plans = planMounts({ config: request.config, hostConfig: request.hostConfig, inherited });
  for (const plan of plans) if (plan.kind === "image") context.images.get(plan.image);
  store.reserveName(name, id);
  try {
    const entry = await makeEntry(context, { id, name, image, request, plans });
    publish(context, entry, { action: "create" });
    return { id, warnings };
  } catch (error) {
    store.releaseName(name, id);
    throw error;
  }
}

/** @throws OperationError `not-found` where the image is another platform's than the one that is asked for. */
function checkPlatform({ os, architecture }: BaseImage, { platform = "", config }: CreateContainerRequest): void {
  const [wantedOs = "", wantedArchitecture] = platform.split("/");
  if (platform === "" || (wantedOs === os && (wantedArchitecture ?? architecture) === architecture)) return;
  throw new OperationError(
    "not-found",
    `image with reference ${config.image} was found but its platform (${os}/${architecture}) does not match the specified platform (${platform})`,
  );
}

function settleRequest(
  context: ContainerContext,
  { request, image, id }: { readonly request: CreateContainerRequest; readonly image: BaseImage; readonly id: ContainerId },
): CreateContainerRequest {
  const merged = mergeImageConfig(request.config, image.config);
  const given = settleHostConfig(request.hostConfig, context);
  const hostConfig = { ...given, ipcMode: joinedMode(context, given.ipcMode), pidMode: joinedMode(context, given.pidMode) };
  const joined = joinedContainer(context, hostConfig.networkMode);
  if (joined !== undefined) {
    const { hostname, domainname } = joined.record.container.config;
    return {
      ...request,
      config: { ...merged, hostname, domainname },
      hostConfig: { ...hostConfig, networkMode: `container:${joined.id}` },
    };
  }
  const hostname = merged.hostname || (hostConfig.networkMode === "host" ? context.hostname() : id.slice(0, 12));
  return { ...request, config: { ...merged, hostname }, hostConfig };
}

/** `container:NAME` by its id, so that it stays the same one when names change. */
function joinedMode({ store }: ContainerContext, mode: string): string {
  const name = /^container:(.+)$/.exec(mode)?.[1];
  if (name === undefined) return mode;
  try {
    return `container:${store.resolve(name).id}`;
  } catch (error) {
    throw new OperationError("invalid", errorMessage(error), { cause: error });
  }
}

/** What the kernel cannot do is not shown as if it were in force. */
function withoutDiscarded(hostConfig: HostConfig, discarded: readonly (keyof HostConfig)[]): HostConfig {
  const rest = Object.fromEntries(Object.entries(hostConfig).filter(([key]) => !(discarded as readonly string[]).includes(key)));
  return {
    ...(rest as unknown as HostConfig),
    ...(discarded.includes("blkioWeight") && { blkioWeight: 0 }),
    ...(discarded.includes("blkioWeightDevice") && {
      blkioWeightDevice: [],
      givenEmpty: [...(hostConfig.givenEmpty ?? []), "BlkioWeightDevice"],
    }),
  };
}

/** The one whose network, and so whose name, it has; whether it is there is asked when it starts. */
function joinedContainer({ store }: ContainerContext, networkMode: string): ContainerEntry | undefined {
  const name = /^container:(.+)$/.exec(networkMode)?.[1];
  if (name === undefined) return undefined;
  try {
    return store.resolve(name);
  } catch {
    return undefined;
  }
}

type BaseImage = Omit<Image, "id"> & { readonly id: ImageId | "" };

interface Making {
  readonly id: ContainerId;
  readonly name: string;
  readonly image: BaseImage;
  readonly request: CreateContainerRequest;
  readonly plans: readonly MountPlan[];
}

async function makeEntry(context: ContainerContext, making: Making): Promise<ContainerEntry> {
  const { id } = making;
  const directory = directoryOf(context, id);
  const madeVolumes: string[] = [];
  const plans: MountPlan[] = [];
  try {
    await Promise.all(making.plans.filter(plan => plan.kind === "bind").map(plan => checkBindSource(context, plan)));
    // What a crash leaves of it is taken away at the next start: no record names it.
    const [, log, rootfs] = await allDone([
      mkdir(directory, { recursive: true, mode: 0o710 }).then(() => letContainersPass(context.idMap, directory)),
      openLog(context, { id, hostConfig: making.request.hostConfig }),
      context.images.createRootfs(id, making.image.id),
    ]);
    const changes = [rootfs];
    await makeVolumes(context, { making, directory, madeVolumes, plans });
    for (const [index, plan] of plans.entries()) {
      if (plan.kind !== "image") continue;
      const made = await makeImage(context, plan);
      plans[index] = made.plan;
      changes.push(made.change);
    }
    const record = newRecord(context, { making, plans, logPath: shownPath(log, making.request.hostConfig.logConfig) });
    const entry = new ContainerEntry(record, log);
    await context.store.add(entry, changes);
    if (madeVolumes.length > 0) await forgetVolumesToUndo(directory);
    return entry;
  } catch (error) {
    await undo(context, { id, plans, madeVolumes });
    throw error;
  }
}

/** What inspect shows: Docker tells of the driver `json-file` alone where its files are. */
function shownPath(log: ContainerLog | undefined, { type }: LogConfig): string {
  return type === "json-file" ? (log?.path ?? "") : "";
}

async function makeImage(
  { images, random }: ContainerContext,
  plan: ImagePlan,
): Promise<{ readonly plan: ImagePlan; readonly change: RecordChange }> {
  const rootfsId = engineIdFrom<ContainerId>(random.bytes(32));
  const change = await images.createRootfs(rootfsId, images.get(plan.image).id, { isBare: true });
  return { plan: { ...plan, rootfsId, source: images.rootfsPath(rootfsId) }, change };
}

async function makeVolumes(
  context: ContainerContext,
  {
    making,
    directory,
    madeVolumes,
    plans,
  }: {
    readonly making: Making;
    readonly directory: string;
    /** Filled here, so that what was made before a failure can be undone. */
    readonly madeVolumes: string[];
    readonly plans: MountPlan[];
  },
): Promise<void> {
  const names = making.plans.map(plan => (plan.kind === "volume" && plan.name === "" ? anonymousVolumeName(context.random) : ""));
  madeVolumes.push(...names.filter(name => name !== ""));
  await noteVolumesToUndo(directory, madeVolumes);
  for (const [index, plan] of making.plans.entries()) {
    plans.push(plan.kind === "volume" ? await settleVolume(context, { plan, anonymousName: names[index] ?? "" }) : plan);
  }
  holdVolumes(context, { plans, id: making.id });
  const toFill = plans.filter(plan => plan.kind === "volume" && plan.copiesImage && plan.subpath === "");
  if (toFill.length === 0) return;
  const rootfsPath = await context.images.mountRootfs(making.id, { isVolatile: making.request.hostConfig.autoRemove });
  const fill = async (): Promise<void> => {
    for (const plan of toFill) if (plan.kind === "volume") await copyImageContent(context, { plan, rootfsPath });
  };
  await thenUndo(fill, [() => context.images.unmountRootfs(making.id)]);
}

async function undo(
  context: ContainerContext,
  {
    id,
    plans,
    madeVolumes,
  }: { readonly id: ContainerId; readonly plans: readonly MountPlan[]; readonly madeVolumes: readonly string[] },
): Promise<void> {
  const attempt = async (action: () => Promise<void> | void) => {
    try {
      await action();
    } catch (error) {
      context.log.warn(
        { container: id, error: errorMessage(error) },
        "a container that could not be created left something behind",
      );
    }
  };
  for (const plan of plans) if (plan.kind === "volume") await attempt(() => context.volumes.release(plan.name, id));
  for (const { rootfsId } of imagesIn(plans)) await attempt(() => context.images.removeRootfs(rootfsId));
  for (const name of madeVolumes) {
    await attempt(() => context.volumes.release(name, id));
    await attempt(() => context.volumes.remove(name, { force: true }));
  }
  await attempt(() => context.images.removeRootfs(id));
  await attempt(() => rm(directoryOf(context, id), { recursive: true, force: true }));
}

function newRecord(
  context: ContainerContext,
  { making, plans, logPath }: { readonly making: Making; readonly plans: readonly MountPlan[]; readonly logPath: string },
): ContainerRecord {
  const { id, name, image, request } = making;
  const { config, hostConfig } = request;
  const [path, ...args] = [...(config.entrypoint ?? []), ...(config.cmd ?? [])];
  if (path === undefined) throw new OperationError("invalid", "no command specified");
  const directory = directoryOf(context, id);
  const container: Container = {
    id,
    name,
    createdAtMs: context.clock.nowMs(),
    imageId: asId<ImageId>(image.id),
    path,
    args,
    config,
    hostConfig,
    state: { status: "created", pid: 0, exitCode: 0, isOomKilled: false, error: "" },
    networks: initialNetworks(request),
    mounts: plans.map(toMountPoint).filter(point => point !== undefined),
    restartCount: 0,
    platform: image.os,
    logPath,
    resolvConfPath: join(directory, "resolv.conf"),
    hostnamePath: join(directory, "hostname"),
    hostsPath: join(directory, "hosts"),
    execIds: [],
  };
  return { container, mounts: plans, pidStartTicks: 0, bootId: "", isStoppedByUser: false };
}

/** The networks it will be on: those it names, and that of its mode, which `bridge` stands for only when it names none. */
function initialNetworks({ hostConfig: { networkMode }, endpoints }: CreateContainerRequest): NetworkState {
  const { default: ofDefault, ...named } = endpoints;
  const isAlone = ["host", "none"].includes(networkMode);
  const wanted: Record<string, EndpointState["config"]> = isAlone || networkMode.startsWith("container:") ? {} : { ...named };
  if (ofDefault !== undefined && networkMode === "bridge") wanted["bridge"] ??= ofDefault;
  const isImplied = networkMode !== "bridge" || Object.keys(wanted).length === 0;
  if (isImplied && !networkMode.startsWith("container:")) wanted[networkMode] ??= named[networkMode] ?? ofDefault ?? {};
  return {
    sandboxId: "",
    sandboxKey: "",
    ports: {},
    endpoints: Object.fromEntries(
      // Until it runs for the first time its own hardware address is shown, as in Docker.
      Object.entries(wanted).map(([network, config]) => [
        network,
        { ...idleEndpoint(config), macAddress: config.macAddress ?? "" },
      ]),
    ),
  };
}
