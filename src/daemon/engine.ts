import { readFileSync } from "node:fs";
import { mkdir, readFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { Disposal } from "../lib/disposal.ts";
import { errorMessage, OperationError } from "../lib/errors.ts";
import { undoAfter } from "../lib/undo.ts";
import type { SettingsInInfo, SystemBackend, SystemInfo } from "../api/backends.ts";
import type { Container } from "../model/container.ts";
import { ContainerCommit } from "../engine/archive/container-commit.ts";
import { ContainerArchive } from "../engine/archive/container-archive.ts";
import { ImageBuilder } from "../engine/build/image-builder.ts";
import { ContainerEngine } from "../engine/containers/container-engine.ts";
import { ociRuntimeSpecs } from "../engine/containers/oci-runtime-specs.ts";
import { EventLog } from "../engine/events/event-log.ts";
import { checkDefaultLogConfig } from "../engine/logs/log-drivers.ts";
import { ImageStore } from "../engine/images/store.ts";
import { EngineNetworks } from "../engine/networks/engine-networks.ts";
import { withUniqueLocalPool } from "../engine/networks/network-defaults.ts";
import { remotePluginPrivileges } from "../engine/plugins/remote-plugin.ts";
import { loginToRegistry } from "../engine/registry/login.ts";
import { createConmonShim } from "../engine/runtime/conmon-shim.ts";
import { gatherHostFacts } from "../engine/runtime/host-facts.ts";
import { probeRuntimes } from "../engine/runtime/probe.ts";
import { notedRuntimes } from "../engine/runtime/runtime-notes.ts";
import type { HostFacts } from "../engine/runtime/oci/facts.ts";
import type { OciSeccomp } from "../engine/runtime/oci/types.ts";
import { ContainerStatistics } from "../engine/stats/container-stats.ts";
import { StateDatabase } from "../engine/state/database.ts";
import { Volumes } from "../engine/volumes/volumes.ts";
import type { KernelNetwork } from "../ports/kernel-network.ts";
import type { Exec } from "../ports/exec.ts";
import type { Clock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import type { Random } from "../ports/random.ts";
import { Archives } from "../system/archive.ts";
import { readConfinedFile } from "../system/confined-file.ts";
import { HeldPaths } from "../system/held-path.ts";
import { openKernelNetwork } from "../system/kernel-network.ts";
import { systemLogNetwork } from "../system/log-network.ts";
import { OverlayMounts } from "../system/overlay.ts";
import { createSeccompCompiler } from "../system/seccomp.ts";
import { createRuntimeHost } from "../system/runtime-host.ts";
import type { DaemonConfig } from "./config.ts";
import { RuntimeCatalog } from "./runtime-catalog.ts";
import type { Settings } from "./settings.ts";
import { gatherProcessFacts, gatherSystemFacts } from "./system-facts.ts";
import { BUILT_AT, COMMIT, VERSION } from "./version.ts";

/** Everything of this host that knows no cluster. */
export interface Engine extends AsyncDisposable {
  readonly containers: ContainerEngine;
  readonly stats: ContainerStatistics;
  readonly archive: ContainerArchive;
  readonly commits: ContainerCommit;
  readonly builder: ImageBuilder;
  readonly images: ImageStore;
  readonly networks: EngineNetworks;
  readonly volumes: Volumes;
  readonly events: EventLog;
  readonly system: SystemBackend;
  readonly kernel: KernelNetwork;
  readonly exec: Exec;
  readonly runtimes: RuntimeCatalog;
  info(): Omit<SystemInfo, "process">;
  /** For a stop without live restore: all at once, each with its own time, but at most this long, before it is killed. */
  stopContainers(timeoutSeconds: number): Promise<void>;
}

export interface EngineOptions {
  readonly settings: Settings;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly engineId: string;
  /** Of the administrator, in `docker info`. */
  readonly warnings: readonly string[];
  /** Called when networks are there and containers are not yet taken up: what drives networks of its own is put in here. */
  readonly onNetworks: (parts: Pick<Engine, "networks" | "kernel" | "exec">) => Promise<void>;
}

/** Puts the engine's parts together and takes up what an earlier daemon left running. */
export async function createEngine({
  settings,
  clock,
  random,
  log,
  engineId,
  warnings,
  onNetworks,
}: EngineOptions): Promise<Engine> {
  const config = settings.current;
  checkDefaultLogConfig(config.containers.logConfig);
  const { dataRoot, execRoot, cgroupParent, idMap } = config;
  const remap = idMap === undefined ? {} : { idMap };
  const runDirectory = join(execRoot, "runtime");
  const defaults = () => settings.current.containers;
  await mkdir(join(dataRoot, "engine"), { recursive: true, mode: 0o700 });
  const host = createRuntimeHost();
  const { exec } = host;
  const startedAtMs = clock.nowMs();
  const [facts, machine, noted, probed] = await Promise.all([
    hostFacts(config),
    gatherSystemFacts(dataRoot),
    notedRuntimes(runDirectory),
    probeRuntimes({
      exec,
      runDirectory,
      cgroupParent,
      configured: config.runtimes,
    }),
  ]);
  const runtimes = new RuntimeCatalog(probed, { config, runDirectory, noted });
  log.info({ runtime: runtimes.defaultName, cgroupVersion: facts.cgroupVersion }, "runtimes probed");
  // A complaint only of the one that containers get who name none: who names another one looks for it here.
  for (const [name, weakness] of runtimes.weaknesses)
    log[name === runtimes.defaultName ? "warn" : "info"]({ runtime: name }, weakness);

  const cleanUp = new Disposal();
  try {
    return await assemble();
  } catch (error) {
    return undoAfter(error, [() => cleanUp[Symbol.asyncDispose]()]);
  }

  async function assemble(): Promise<Engine> {
    const database = cleanUp.use(await StateDatabase.open(join(dataRoot, "engine", "state")));
    const events = new EventLog(clock);
    const archives = cleanUp.use(Archives.create(remap));
    const kernel = cleanUp.use(await openKernelNetwork());
    const images = await ImageStore.create({
      dataRoot,
      log,
      clock,
      archives,
      ...remap,
      mounts: new OverlayMounts(archives),
      rootfsRecords: database.collection("rootfs"),
      onEvent: ({ action, imageId, attributes }) =>
        events.publish({ type: "image", action, actorId: imageId, attributes, scope: "local" }),
    });
    const volumes = await Volumes.create({ database, events, clock, random, exec, log, dataRoot, ...remap });
    const networks = cleanUp.use(
      await EngineNetworks.create({
        kernel,
        exec,
        log,
        clock,
        random,
        database,
        execRoot,
        ...remap,
        defaults: withUniqueLocalPool(config.networks, engineId),
        publish: event => events.publish(event),
      }),
    );
    await onNetworks({ networks, kernel, exec });
    const shim = cleanUp.use(
      await createConmonShim({
        host,
        log,
        conmonPath: probed.conmonPath,
        runtimes: runtimes.all,
        defaultRuntime: () => runtimes.defaultName,
        exitDirectory: join(execRoot, "exits"),
        conmonCgroup: `${cgroupParent}/conmon`,
      }),
    );
    const heldPaths = await HeldPaths.create(join(execRoot, "held"));
    const containers = cleanUp.use(
      await ContainerEngine.create({
        ...{
          shim,
          images,
          networks,
          volumes,
          database,
          events,
          clock,
          random,
          exec,
          log,
          dataRoot,
          execRoot,
          ...remap,
          hostname,
          holdPath: (folder, path) => heldPaths.hold(folder, path),
          fillFolder: (folder, from) => archives.fillFolder(folder, from),
        },
        specs: ociRuntimeSpecs({
          facts: { ...withSeccompCompiler(facts, probed.seccompFilterRuntimes), ...remap },
          cgroupParent,
          readConfinedFile,
          defaults,
        }),
        connectTcp: (target, options) => kernel.connectTcp(target, options),
        bootId: readBootId,
        defaultRuntime: () => runtimes.defaultName,
        hasRuntime: name => runtimes.has(name),
        defaults,
        cgroupVersion: facts.cgroupVersion,
        ...(facts.throttlePaths === undefined ? {} : { throttlePaths: facts.throttlePaths }),
        logNetwork: systemLogNetwork,
      }),
    );

    // Containers have taken down what they no longer use; what no container is known for goes here.
    const known = containers.rootfsIds();
    await images.restoreRootfs({ known, running: known });
    images.setUsers(id => containers.usersOfImage(id));
    const builder = await ImageBuilder.create({ dataRoot, containers, images, archives, random });
    images.setHolder(id => builder.isHeld(id));

    const stopContainers = async (timeoutSeconds: number): Promise<void> => {
      const running = await containers.list({ all: false, filters: {} });
      const ownSeconds = ({ config: { stopTimeoutSeconds = defaults().stopTimeoutSeconds } }: Container) =>
        stopTimeoutSeconds < 0 ? Infinity : stopTimeoutSeconds;
      await Promise.allSettled(
        running.map(container => {
          const seconds = Math.min(ownSeconds(container), timeoutSeconds);
          return containers.stopForShutdown(container.id, { timeoutSeconds: Number.isFinite(seconds) ? seconds : -1 });
        }),
      );
    };
    const info = (): Omit<SystemInfo, "process"> => ({
      ...machine,
      id: engineId,
      dataRoot,
      cgroupVersion: facts.cgroupVersion,
      isRemapped: idMap !== undefined,
      runtimes: runtimes.describe(),
      defaultRuntime: runtimes.defaultName,
      conmonVersion: probed.conmonVersion,
      version: VERSION,
      commit: COMMIT,
      builtAt: BUILT_AT,
      ...settingsInInfo(settings.current),
      startedAtMs,
      warnings: [...warnings, ...runtimes.warnings],
    });
    const system: SystemBackend = {
      login: (credentials, signal) => loginToRegistry(credentials, { insecure: settings.current.registry.insecure, signal }),
      pluginPrivileges: (remote, options) =>
        remotePluginPrivileges(remote, { ...options, insecure: settings.current.registry.insecure, log }),
      info: async () => ({ ...info(), process: await gatherProcessFacts(events.listeners) }),
      events: options => events.follow(options),
    };
    return {
      containers,
      stats: new ContainerStatistics({ containers, clock }),
      archive: new ContainerArchive({ containers, archives, layers: images }),
      commits: new ContainerCommit({ containers, archives, images }),
      builder,
      images,
      networks,
      volumes,
      events,
      system,
      kernel,
      exec,
      runtimes,
      info,
      stopContainers,
      [Symbol.asyncDispose]: () => cleanUp[Symbol.asyncDispose](),
    };
  }
}

function settingsInInfo(config: DaemonConfig): SettingsInInfo {
  const { labels, genericResources, liveRestore, isDebug, authorizationPlugins, seccompProfile, registry, containers } = config;
  return {
    ...{ labels, genericResources, liveRestore, isDebug, authorizationPlugins, seccompProfile, registry },
    loggingDriver: containers.logConfig.type,
    initBinary: config.initPath ?? "docker-init",
  };
}

/** @throws OperationError `invalid` for a seccomp profile that is none, or cannot be read. */
async function hostFacts({ seccompProfile, initPath }: DaemonConfig): Promise<HostFacts> {
  const isUnconfined = seccompProfile === "unconfined";
  const isBuiltIn = isUnconfined || seccompProfile === "builtin";
  try {
    const seccompProfileText = isBuiltIn ? undefined : await readFile(seccompProfile, "utf8");
    return await gatherHostFacts({ seccompProfileText, isUnconfined, initPath });
  } catch (error) {
    if (isBuiltIn) throw error;
    const message = `opening seccomp profile (${seccompProfile}) failed: ${errorMessage(error)}`;
    throw new OperationError("invalid", message, { cause: error });
  }
}

/** crun takes a filter that is compiled once for each profile, instead of compiling it at each start. */
function withSeccompCompiler(facts: HostFacts, runtimes: ReadonlySet<string>): HostFacts {
  const compiler = createSeccompCompiler();
  if (compiler === undefined) return facts;
  return { ...facts, compiledSeccomp: { runtimes, compile: (profile: OciSeccomp) => compiler.compile(profile) } };
}

/** Read each time it is asked for: in a lab it is a file of the host's own. */
function readBootId(): string {
  return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
}
