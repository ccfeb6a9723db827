import { readFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { Disposal } from "../lib/disposal.ts";
import type { SystemBackend, SystemInfo } from "../api/backends.ts";
import { ContainerCommit } from "../engine/archive/container-commit.ts";
import { ContainerArchive } from "../engine/archive/container-archive.ts";
import { ContainerEngine } from "../engine/containers/container-engine.ts";
import { ociRuntimeSpecs } from "../engine/containers/oci-runtime-specs.ts";
import { EventLog } from "../engine/events/event-log.ts";
import { ImageStore } from "../engine/images/store.ts";
import { EngineNetworks } from "../engine/networks/engine-networks.ts";
import { createConmonShim } from "../engine/runtime/conmon-shim.ts";
import { gatherHostFacts } from "../engine/runtime/host-facts.ts";
import { probeRuntimes } from "../engine/runtime/probe.ts";
import { DEFAULT_SECCOMP_PROFILE_TEXT } from "../engine/runtime/seccomp/default-profile.ts";
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
import { openKernelNetwork } from "../system/kernel-network.ts";
import { OverlayMounts } from "../system/overlay.ts";
import { createSeccompCompiler } from "../system/seccomp.ts";
import { createRuntimeHost } from "../system/runtime-host.ts";
import type { DaemonConfig } from "./config.ts";
import { gatherSystemFacts } from "./system-facts.ts";
import { BUILT_AT, COMMIT, VERSION } from "./version.ts";

/** Everything of this host that knows no cluster. */
export interface Engine extends AsyncDisposable {
  readonly containers: ContainerEngine;
  readonly stats: ContainerStatistics;
  readonly archive: ContainerArchive;
  readonly commits: ContainerCommit;
  readonly images: ImageStore;
  readonly networks: EngineNetworks;
  readonly volumes: Volumes;
  readonly events: EventLog;
  readonly system: SystemBackend;
  readonly kernel: KernelNetwork;
  readonly exec: Exec;
  readonly info: SystemInfo;
  /** For a stop without live restore: all at once, each with at most this long before it is killed. */
  stopContainers(timeoutSeconds: number): Promise<void>;
}

export interface EngineOptions {
  readonly config: DaemonConfig;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly engineId: string;
  /** Called when networks are there and containers are not yet taken up: what drives networks of its own is put in here. */
  readonly onNetworks: (parts: Pick<Engine, "networks" | "kernel" | "exec">) => Promise<void>;
}

/** Puts the engine's parts together and takes up what an earlier daemon left running. */
export async function createEngine({ config, clock, random, log, engineId, onNetworks }: EngineOptions): Promise<Engine> {
  const { dataRoot, execRoot, cgroupParent } = config;
  await mkdir(join(dataRoot, "engine"), { recursive: true, mode: 0o700 });
  const host = createRuntimeHost();
  const { exec } = host;
  const startedAtMs = clock.nowMs();
  const [facts, machine, runtimes] = await Promise.all([
    gatherHostFacts({ seccompProfileText: DEFAULT_SECCOMP_PROFILE_TEXT }),
    gatherSystemFacts(),
    probeRuntimes({
      exec,
      runDirectory: join(execRoot, "runtime"),
      cgroupParent,
      ...(config.defaultRuntime && { wantedDefault: config.defaultRuntime }),
    }),
  ]);
  log.info({ runtime: runtimes.defaultRuntime, cgroupVersion: facts.cgroupVersion }, "runtimes probed");

  const cleanUp = new Disposal();
  try {
    return await assemble();
  } catch (error) {
    await cleanUp[Symbol.asyncDispose]();
    throw error;
  }

  async function assemble(): Promise<Engine> {
    const database = cleanUp.use(await StateDatabase.open(join(dataRoot, "engine", "state")));
    const events = new EventLog(clock);
    const archives = cleanUp.use(Archives.create());
    const kernel = cleanUp.use(await openKernelNetwork());
    const images = await ImageStore.create({
      dataRoot,
      log,
      clock,
      archives,
      mounts: new OverlayMounts(archives),
      onEvent: ({ action, imageId, name }) =>
        events.publish({ type: "image", action, actorId: imageId, attributes: { name }, scope: "local" }),
    });
    const volumes = await Volumes.create({ database, events, clock, random, exec, log, dataRoot });
    const networks = cleanUp.use(
      await EngineNetworks.create({
        kernel,
        exec,
        log,
        clock,
        random,
        database,
        execRoot,
        publish: event => events.publish(event),
      }),
    );
    await onNetworks({ networks, kernel, exec });
    const shim = cleanUp.use(
      await createConmonShim({
        host,
        log,
        conmonPath: runtimes.conmonPath,
        runtimes: runtimes.runtimes,
        defaultRuntime: runtimes.defaultRuntime,
        exitDirectory: join(execRoot, "exits"),
        conmonCgroup: `${cgroupParent}/conmon`,
      }),
    );
    const containers = cleanUp.use(
      await ContainerEngine.create({
        ...{ shim, images, networks, volumes, database, events, clock, random, exec, log, dataRoot, execRoot, hostname },
        specs: ociRuntimeSpecs({ facts: withSeccompCompiler(facts, runtimes.seccompFilterRuntimes), cgroupParent, hostname }),
        bootId: readBootId,
        defaultRuntime: runtimes.defaultRuntime,
        hasRuntime: name => runtimes.runtimes.has(name),
        cgroupVersion: facts.cgroupVersion,
      }),
    );

    // Containers have taken down what they no longer use; what no container is known for goes here.
    const known = (await containers.list({ all: true, filters: {} })).map(({ id }) => id);
    await images.restoreRootfs({ known, running: known });
    images.setUsers(id => containers.usersOfImage(id));

    const stopContainers = async (timeoutSeconds: number): Promise<void> => {
      const running = await containers.list({ all: false, filters: {} });
      await Promise.allSettled(running.map(({ id }) => containers.stopForShutdown(id, { timeoutSeconds })));
    };
    const info: SystemInfo = {
      ...machine,
      id: engineId,
      dataRoot,
      cgroupVersion: facts.cgroupVersion,
      runtimes: Object.fromEntries(
        [...runtimes.runtimes.values()].map(({ name, path }) => [
          name,
          { path, version: runtimes.versions.get(name)?.version ?? "" },
        ]),
      ),
      defaultRuntime: runtimes.defaultRuntime,
      conmonVersion: runtimes.conmonVersion,
      version: VERSION,
      commit: COMMIT,
      builtAt: BUILT_AT,
      labels: config.labels,
      liveRestore: config.liveRestore,
      isDebug: config.isDebug,
      startedAtMs,
      warnings: [],
    };
    const system: SystemBackend = { info: () => Promise.resolve(info), events: options => events.follow(options) };
    return {
      containers,
      stats: new ContainerStatistics({ containers, clock }),
      archive: new ContainerArchive({ containers, archives, layers: images }),
      commits: new ContainerCommit({ containers, archives, images }),
      images,
      networks,
      volumes,
      events,
      system,
      kernel,
      exec,
      info,
      stopContainers,
      [Symbol.asyncDispose]: () => cleanUp[Symbol.asyncDispose](),
    };
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
