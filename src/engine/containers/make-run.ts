import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { allDone } from "../../lib/all-done.ts";
import { errorMessage, OperationError } from "../../lib/errors.ts";
import type { Container, HostConfig } from "../../model/container.ts";
import { mountSharedMemory, removeBundle, sharedMemoryPath } from "./bundle-mounts.ts";
import { bundleOf, type ContainerContext } from "./context.ts";
import type { ContainerEntry, ContainerRun } from "./entry.ts";
import { linkedEnvironment } from "./links.ts";
import type { BindPlan, MountPlan } from "./mount-plan.ts";
import type { ConnectOptions, Sandbox } from "./needs.ts";
import { OutputHub } from "./output-hub.ts";
import { isThere } from "../files/is-there.ts";
import { giveToContainers, openStreams } from "../files/owned-files.ts";
import { checkBindSource, ensureDirectoryInRoot } from "./prepare-mounts.ts";
import { checkPropagation } from "./propagation.ts";
import { hasProcess } from "./record.ts";
import { Subpaths } from "./subpaths.ts";
import { RunLog } from "../logs/run-log.ts";
import { misplacedMount } from "../runtime/oci/mount-places.ts";
import { encodeSpec } from "../runtime/oci/spec.ts";
import type { OciSpec } from "../runtime/oci/types.ts";
import { idMapFor, joinedUserNamespace } from "../runtime/oci/user-namespace.ts";
import type { SpecRequest } from "./runtime-specs.ts";
import type { ShimContainer } from "../runtime/shim.ts";
import { translateRuntimeError } from "../runtime/start-error.ts";
import { type RuntimeState, takeDownRun } from "./take-down.ts";
import { failpoint } from "../../ports/failpoint.ts";
import { publishVolumeMounts, publishVolumeUnmounts } from "./volume-events.ts";

/** What may take as long as a server that does not answer: the end of the last run, and volumes that are mounted. Undone when it fails. */
export async function prepareRun(context: ContainerContext, entry: ContainerEntry): Promise<void> {
  await entry.teardown;
  try {
    if (await discardState(context, entry)) await removeBundle(context, entry.id);
    await prepareSources(context, entry);
    publishVolumeMounts(context, entry);
  } catch (error) {
    entry.teardown = takeDownRun(context, entry, stateOf(context, entry));
    await entry.teardown;
    throw error;
  }
}

/**
 * What the runtime may know of a container whose bundle is there: of a run that failed on its way, or whose state could not be taken
 * away when it ended.
 * @returns whether the bundle was there.
 */
async function discardState(context: ContainerContext, { id, record }: ContainerEntry): Promise<boolean> {
  const bundlePath = bundleOf(context, id);
  if (!(await isThere(bundlePath))) return false;
  const { runtime } = record.container.hostConfig;
  await context.shim.discard?.({ id, bundlePath, ...(runtime !== undefined && { runtime }) });
  return true;
}

/** Of a run that nobody watches. */
function stateOf(context: ContainerContext, entry: ContainerEntry): RuntimeState {
  return { delete: async () => void (await discardState(context, entry)) };
}

/** Makes the rest of what a container's process needs and the process itself, which waits to be started. Undone whole when it fails. */
export async function makeRun(context: ContainerContext, entry: ContainerEntry): Promise<ContainerRun> {
  let shim: ShimContainer | undefined;
  using subpaths = new Subpaths(context);
  try {
    const { id, log } = entry;
    const { config, hostConfig, path } = entry.record.container;
    const bundlePath = bundleOf(context, id);
    await mkdir(bundlePath, { recursive: true, mode: 0o700 });
    const runLog = log === undefined ? undefined : new RunLog(log, await log.end());
    log?.begin();
    const prepared = prepareBundle(context, { entry, bundlePath, subpaths });
    const isUp = prepared.then(({ sandbox }) => sandbox.isUp);
    // The shim begins beside: a good part of its own start needs no bundle.
    const creation = context.shim.create({
      id,
      bundlePath,
      logPath: log?.path,
      isTty: config.tty,
      hasStdin: config.openStdin,
      isStdinOnce: config.stdinOnce,
      runtime: hostConfig.runtime,
      program: path,
      isReady: needsNetwork(hostConfig) ? isUp : prepared,
      hasHooks: hostConfig.deviceRequests.length > 0,
      attach: false,
    });
    const created = creation.then(made => (shim = made));
    const [{ rootfsPath, spec }, , made] = await allDone([prepared, isUp, created]);
    checkMounts(context, { entry, spec, shim: made });
    if (idMapFor(hostConfig, context.idMap) !== undefined) await openStreams(made.pid);
    const isAttached = entry.waitingAttachments.size > 0 || (config.openStdin && config.attachStdin);
    const hub = isAttached ? new OutputHub(await made.attach()) : undefined;
    subpaths[Symbol.dispose](); // They are mounted now. What cannot be let go of is a reason not to start.
    return { shim: made, rootfsPath, hub, runLog, startedAtMonotonicMs: context.clock.monotonicMs() };
  } catch (error) {
    entry.log?.finish();
    entry.teardown = abandonRun(context, entry, shim);
    await entry.teardown;
    throw error;
  }
}

/** @throws OperationError where its mounts are not where they should be; it is not started then. */
function checkMounts(
  context: ContainerContext,
  { entry, spec, shim }: { readonly entry: ContainerEntry; readonly spec: OciSpec; readonly shim: ShimContainer },
): void {
  const { hostConfig, path } = entry.record.container;
  const runtime = hostConfig.runtime === "" ? context.defaultRuntime() : hostConfig.runtime;
  // Other runtimes, vendors' hooks and what takes mapped ids mount more than they were told. Without mounts of the user's nobody leads them anywhere.
  const isKnown = ["crun", "runc"].includes(runtime) && hostConfig.deviceRequests.length === 0;
  if (!isKnown || entry.record.mounts.length === 0 || idMapFor(hostConfig, context.idMap) !== undefined) return;
  const wrong = misplacedMount(shim.mountInfo() ?? "", spec);
  if (wrong !== undefined) throw translateRuntimeError(wrong, { phase: "create", program: path });
}

/** Whether something on the way to a made container looks at its interfaces. */
function needsNetwork({ sysctls, deviceRequests }: HostConfig): boolean {
  return deviceRequests.length > 0 || Object.keys(sysctls).some(name => name.startsWith("net."));
}

interface BundleRequest {
  readonly entry: ContainerEntry;
  readonly bundlePath: string;
  readonly subpaths: Subpaths;
}

/** Makes all that the runtime reads or enters. */
async function prepareBundle(
  context: ContainerContext,
  { entry, bundlePath, subpaths }: BundleRequest,
): Promise<{ readonly rootfsPath: string; readonly sandbox: Sandbox; readonly spec: OciSpec }> {
  const { container: before, mounts } = entry.record;
  const joined = joinedPids(context, before);
  const [rootfsPath, sandbox] = await allDone([
    context.images.mountRootfs(entry.id, { isVolatile: before.hostConfig.autoRemove }),
    context.networks.connect(before, ownerOfNetwork(context, before)),
  ]);
  const container = connected(context, { container: before, sandbox });
  entry.record = { ...entry.record, container }; // Kept with the state, once it runs.
  const writeSpec = async (): Promise<OciSpec> => {
    const { workingDir } = container.config;
    const plans = withNetworkFiles(mounts, container);
    await allDone([
      workingDir === "" ? Promise.resolve() : ensureDirectoryInRoot(context, { rootfsPath, path: workingDir }),
      plans.length === mounts.length ? Promise.resolve() : ensureDirectoryInRoot(context, { rootfsPath, path: "/etc" }),
    ]);
    const spec = await plannedSpec(context, {
      container,
      image: imageOf(context, container),
      rootfsPath,
      mounts: plans.map(plan => subpaths.hold(plan)),
      ...(await sharedMemoryOf(context, container)),
      networkNamespacePath: sandbox.namespacePath,
      ...(sandbox.userNamespacePath !== undefined && { userNamespacePath: sandbox.userNamespacePath }),
      joined,
      linkedEnv: linkedEnvironment(context.store, container),
    });
    await failpoint("containers/bundle.write", () =>
      writeFile(join(bundlePath, "config.json"), encodeSpec(spec), { mode: 0o600 }),
    );
    return spec;
  };
  const [, spec] = await allDone([writeNetworkFiles(context, { container, sandbox }), writeSpec()]);
  return { rootfsPath, sandbox, spec };
}

/** Where its network is to be owned by another's user namespace. */
function ownerOfNetwork(context: ContainerContext, container: Container): ConnectOptions {
  const isMapped = idMapFor(container.hostConfig, context.idMap) !== undefined;
  const joined = isMapped ? joinedUserNamespace(joinedPids(context, container)) : undefined;
  return joined === undefined ? {} : { joinedUserNamespace: joined };
}

/** A setting that turns out to be wrong now is no fault of the request to start: Docker answers 500. */
async function plannedSpec({ specs }: ContainerContext, request: SpecRequest): Promise<OciSpec> {
  try {
    return await specs.container(request);
  } catch (error) {
    throw new OperationError("internal", errorMessage(error), { cause: error });
  }
}

/** Ends a process that was made and shall not run. */
export async function abandonRun(
  context: ContainerContext,
  entry: ContainerEntry,
  shim: ShimContainer | undefined,
): Promise<void> {
  publishVolumeUnmounts(context, entry);
  if (shim !== undefined) {
    await shim.kill(9).catch((error: unknown) => {
      context.log.warn(
        { container: entry.id, error: errorMessage(error) },
        "a container that could not be started was not killed",
      );
    });
    await settledBy(shim.exit, context.clock.timeout(ABANDON_MS));
  }
  await takeDownRun(context, entry, shim ?? stateOf(context, entry));
}

const ABANDON_MS = 2000;

/** Waits for a promise, but no longer than the signal. */
export async function settledBy(promise: Promise<unknown>, signal: AbortSignal): Promise<void> {
  await new Promise<void>(resolve => {
    const done = () => {
      signal.removeEventListener("abort", done);
      resolve();
    };
    promise.then(done, done);
    if (signal.aborted) done();
    else signal.addEventListener("abort", done, { once: true });
  });
}

function imageOf(context: ContainerContext, container: Container): SpecRequest["image"] {
  try {
    return context.images.get(container.imageId);
  } catch {
    return undefined; // Removed by force: the container has all it needs.
  }
}

/** Its state on the network, and where the files are that say so. Those of a container whose network it shares are that container's. */
function connected(
  context: ContainerContext,
  { container, sandbox }: { readonly container: Container; readonly sandbox: Sandbox },
): Container {
  const host = containerOf(container.hostConfig.networkMode);
  if (host === undefined) return { ...container, networks: sandbox.state };
  const { hostsPath, hostnamePath, resolvConfPath } = context.store.resolve(host).record.container;
  return { ...container, networks: sandbox.state, hostsPath, hostnamePath, resolvConfPath };
}

async function writeNetworkFiles(
  context: ContainerContext,
  { container, sandbox: { hosts, resolvConf } }: { readonly container: Container; readonly sandbox: Sandbox },
): Promise<void> {
  const { config, hostConfig, hostsPath, hostnamePath, resolvConfPath } = container;
  if (containerOf(hostConfig.networkMode) !== undefined) return; // They are the other's.
  await failpoint("containers/files.write", () =>
    Promise.all([
      writeFile(hostsPath, hosts),
      writeFile(resolvConfPath, resolvConf),
      writeFile(hostnamePath, `${config.hostname}\n`),
    ]),
  );
  await giveToContainers(context.idMap, [hostsPath, resolvConfPath, hostnamePath]);
}

/** The user's mounts and, where he mounts nothing else there, the three files of /etc. */
export function withNetworkFiles(plans: readonly MountPlan[], container: Container): readonly MountPlan[] {
  const taken = new Set(plans.map(plan => plan.destination));
  const isWritable = !container.hostConfig.readonlyRootfs;
  const files = [
    fileMount(container.resolvConfPath, { destination: "/etc/resolv.conf", isWritable }),
    fileMount(container.hostnamePath, { destination: "/etc/hostname", isWritable }),
    fileMount(container.hostsPath, { destination: "/etc/hosts", isWritable }),
  ];
  return [...files.filter(({ destination }) => !taken.has(destination)), ...plans];
}

function fileMount(source: string, place: Pick<BindPlan, "destination" | "isWritable">): BindPlan {
  return {
    ...place,
    kind: "bind",
    source,
    propagation: "rprivate",
    isRecursive: true,
    createsSource: false,
    mode: "",
    readOnlySubmounts: "none", // It is a file.
  };
}

/** Where its shared memory is when it is not its own alone. */
async function sharedMemoryOf(
  context: ContainerContext,
  { id, hostConfig }: Container,
): Promise<{ readonly sharedMemoryPath?: string }> {
  if (hostConfig.ipcMode === "shareable") {
    await mountSharedMemory(context, { id, sizeBytes: hostConfig.shmSizeBytes });
    return { sharedMemoryPath: sharedMemoryPath(context, id) };
  }
  const name = containerOf(hostConfig.ipcMode);
  if (name === undefined) return {};
  const donor = context.store.resolve(name).record.container;
  switch (donor.hostConfig.ipcMode) {
    case "shareable":
      return { sharedMemoryPath: sharedMemoryPath(context, donor.id) };
    case "host":
      return { sharedMemoryPath: "/dev/shm" };
    default: {
      if (containerOf(donor.hostConfig.ipcMode) !== undefined) return sharedMemoryOf(context, donor);
      const hint = "non-shareable IPC (hint: use IpcMode:shareable for the donor container)";
      throw new OperationError("invalid", `failed to join IPC namespace: container ${donor.id}: ${hint}`);
    }
  }
}

async function prepareSources(context: ContainerContext, { id, record }: ContainerEntry): Promise<void> {
  await checkPropagation(record.mounts.filter(plan => plan.kind === "bind"));
  for (const plan of record.mounts) {
    if (plan.kind === "bind") await checkBindSource(context, plan);
    else if (plan.kind === "volume") await context.volumes.mount(plan.name, id);
    else if (plan.kind === "image" && plan.rootfsId !== "") {
      await context.images.mountRootfs(plan.rootfsId, { isVolatile: record.container.hostConfig.autoRemove });
    }
  }
}

/** `container:NAME` in a mode. */
function containerOf(mode: string): string | undefined {
  return mode.startsWith("container:") ? mode.slice("container:".length) : undefined;
}

function joinedContainer(context: ContainerContext, { name, what }: { readonly name: string; readonly what: JoinedNamespace }) {
  try {
    return context.store.resolve(name);
  } catch (error) {
    const prefix = what === "network" ? "joining network namespace of container" : `failed to join ${what} namespace`;
    throw new OperationError("invalid", `${prefix}: ${errorMessage(error)}`, { cause: error });
  }
}

type JoinedNamespace = "network" | "IPC" | "PID";

/** In Docker's words, which are not the same for all. */
function notRunning({ id, record }: ContainerEntry, what: JoinedNamespace): OperationError {
  const { name, state } = record.container;
  return new OperationError(
    "conflict",
    what === "network"
      ? `cannot join network namespace of a non running container: container ${name} is ${state.status}`
      : `failed to join ${what} namespace: container ${id} is not running`,
  );
}

function joinedPids(context: ContainerContext, { hostConfig, id }: Container): SpecRequest["joined"] {
  const pidOf = (mode: string, what: JoinedNamespace): number | undefined => {
    const name = containerOf(mode);
    if (name === undefined) return undefined;
    const other = joinedContainer(context, { name, what });
    if (other.id === id) throw new OperationError("invalid", `cannot join own ${what} namespace`);
    if (!hasProcess(other.state)) throw notRunning(other, what);
    return other.state.pid;
  };
  const network = pidOf(hostConfig.networkMode, "network");
  const ipc = pidOf(hostConfig.ipcMode, "IPC");
  const pid = pidOf(hostConfig.pidMode, "PID");
  return { ...(network !== undefined && { network }), ...(ipc !== undefined && { ipc }), ...(pid !== undefined && { pid }) };
}
