// shoald: the daemon of one host.
import { readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { createApiServer, type ApiServer, type ListenTarget } from "../api/server.ts";
import { Disposal } from "../lib/disposal.ts";
import { errorMessage, errnoCode, OperationError } from "../lib/errors.ts";
import { undoAfter } from "../lib/undo.ts";
import type { IdMap } from "../model/id-map.ts";
import { engineIdFrom } from "../model/ids.ts";
import { ClusterNetwork } from "../network/cluster-network.ts";
import { systemClock } from "../system/clock.ts";
import type { Log } from "../ports/log.ts";
import { openDisk } from "../system/disk.ts";
import { takeServiceManager, type InheritedSocket } from "../system/service-manager.ts";
import { systemRandom } from "../system/random.ts";
import { createRuntimeHost } from "../system/runtime-host.ts";
import { AuthorizationPlugins } from "./authorization/authorization-plugins.ts";
import { configSource, type DaemonConfig } from "./config.ts";
import { dataRootFor, makeDataRoot } from "./remap/data-root.ts";
import { idMapOf } from "./remap/id-map-of.ts";
import { settleDataFormat } from "./data-format.ts";
import { startDiagnostics } from "./diagnostics.ts";
import { armFailpoints, FAILPOINTS_VARIABLE } from "./failpoints.ts";
import { createEngine } from "./engine.ts";
import { parseListenTarget } from "./listen-targets.ts";
import { EXPOSED, exposureWarnings, servesAnyone } from "./exposure.ts";
import { makeDirectory, refuseOccupiedSocket, refuseSecondDaemon } from "./exclusive.ts";
import { createLog } from "./logger.ts";
import { stateDump } from "./state-dump.ts";
import { NodeFiles } from "./swarm/node-files.ts";
import { reloadOnSignal } from "./reload.ts";
import { Settings } from "./settings.ts";
import { SwarmNode } from "./swarm/swarm-node.ts";
import { VERSION } from "./version.ts";

// Until diagnostics have their own handler: Node's default opens a debugger port.
process.on("SIGUSR1", () => {});
// Until it is ready: the default would end it.
process.on("SIGHUP", () => {});

async function main(): Promise<void> {
  const args = process.argv.slice(2);
  if (args.includes("--version") || args.includes("-v")) {
    console.log(`shoald version ${VERSION}`);
    return;
  }
  const source = configSource(args);
  const settings = await Settings.load(source);
  if (source.flags.validate === true) {
    process.stderr.write("configuration OK\n");
    return;
  }
  const given = settings.current;
  const serviceManager = takeServiceManager();
  const log = createLog({ program: "shoald", level: given.logLevel, format: given.logFormat, file: given.logFile });
  armFailpoints(process.env[FAILPOINTS_VARIABLE], log);
  const resources = new Disposal();
  const state: { dump: () => unknown } = { dump: () => ({ starting: true }) };
  startDiagnostics({ program: "shoald", directory: join(given.dataRoot, "crash"), log, dump: () => state.dump() });
  const stop = stopOnSignal();
  try {
    await refuseSecondDaemon(given.pidFile);
    const targets = await listenTargets(given, serviceManager.sockets);
    const idMap = await idMapOf(given.usernsRemap, { exec: createRuntimeHost().exec, log });
    await prepareDirectories(given, idMap);
    settings.place({ idMap, dataRoot: dataRootFor(given.dataRoot, idMap) });
    const config = settings.current;
    await settleDataFormat({ dataRoot: config.dataRoot, version: VERSION, log });
    const clock = systemClock;
    const random = systemRandom;
    const disk = openDisk({ root: "/" });
    const authorizer = new AuthorizationPlugins({ clock, log });
    (await authorizer.prepare(config.authorizationPlugins))();
    const member = await new NodeFiles({ dataRoot: config.dataRoot, disk }).loadRecord();
    let clusterNetwork: ClusterNetwork | undefined;
    const engine = resources.use(
      await createEngine({
        ...{ settings, clock, random, log, warnings: exposureWarnings(targets) },
        engineId: await ownId(config, random.bytes(32)),
        onNetworks: async parts => {
          if (member === undefined) return;
          clusterNetwork = await ClusterNetwork.create({
            ...parts,
            ...{ clock, log, random },
            nodeId: member.nodeId,
            execRoot: config.execRoot,
          });
        },
      }),
    );
    const swarm = resources.use(
      await SwarmNode.create({
        config,
        logLevel: () => settings.current.logLevel,
        engine,
        disk,
        clock,
        random,
        log,
        clusterNetwork,
      }),
    );
    const { containers, stats, archive, commits, builder, images, networks, volumes, system } = engine;
    const api = createApiServer({
      backends: {
        containers,
        execs: containers.execs,
        stats,
        archive,
        commits,
        builder,
        pruneBuildCache: () =>
          engine.events.publish({
            type: "builder",
            action: "prune",
            actorId: "",
            attributes: { reclaimed: "0" },
            scope: "local",
          }),
        layerSizes: () => images.layerSizes(),
        rootFolders: images.rootFolders,
        imageFolders: images.imageFolders,
        volumeSizes: () => volumes.usage(),
        images,
        networks,
        volumes,
        system,
        swarm,
        control: swarm.control,
        clusterLogs: swarm.logs,
      },
      ...{ log, clock, random, authorizer, version: VERSION },
    });
    resources.defer(() => api.close());
    state.dump = () => stateDump({ engine, api, swarm });
    reloadOnSignal({
      ...{ settings, engine, authorizer, log },
      onLogLevel: level => {
        log.setLevel(level);
        swarm.logLevelChanged();
      },
      onReloaded: () => swarm.describeAgain(),
      onBegin: () =>
        serviceManager.notify("RELOADING=1", `MONOTONIC_USEC=${Math.trunc(Number(process.hrtime.bigint() / 1000n))}`),
      onEnd: () => serviceManager.notify("READY=1"),
    });
    // Before it answers: who has an answer may look for it, and who has found it may signal it.
    await writeFile(config.pidFile, `${process.pid}\n`);
    resources.defer(() => rm(config.pidFile, { force: true }));
    await listenOnAll(api, targets, log);
    log.info({ hosts: config.hosts, version: VERSION }, "ready");
    serviceManager.notify("READY=1");
    const signal = await stop;
    log.info({ signal }, "stopping");
    serviceManager.notify("STOPPING=1");
    const { liveRestore, shutdownTimeoutSeconds } = settings.current;
    if (!liveRestore) await engine.stopContainers(shutdownTimeoutSeconds);
  } catch (error) {
    return undoAfter(error, [() => resources[Symbol.asyncDispose]()]);
  }
  await resources[Symbol.asyncDispose]();
}

async function prepareDirectories({ dataRoot, execRoot, pidFile }: DaemonConfig, idMap: IdMap | undefined): Promise<void> {
  await makeDataRoot(dataRoot, idMap);
  await makeDirectory(execRoot, { mode: 0o711, purpose: "the exec root" });
  await makeDirectory(dirname(pidFile), { mode: 0o755, purpose: "the pid file's directory" });
}

/** The engine's id, made once for each data root. */
async function ownId({ dataRoot }: DaemonConfig, bytes: Uint8Array): Promise<string> {
  const path = join(dataRoot, "engine-id");
  try {
    return (await readFile(path, "utf8")).trim();
  } catch (error) {
    if (errnoCode(error) !== "ENOENT") throw error;
  }
  const hex: string = engineIdFrom(bytes);
  const id = hex.slice(0, 32).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
  await writeFile(path, `${id}\n`, { mode: 0o600 });
  return id;
}

/** Known before anything is done: a daemon that nobody could reach is not to touch containers. */
async function listenTargets(config: DaemonConfig, inherited: readonly InheritedSocket[]): Promise<readonly ListenTarget[]> {
  const targets: ListenTarget[] = [];
  for (const host of config.hosts) {
    const parsed = await parseListenTarget(host, config, inherited);
    for (const target of parsed) if (target.kind === "unix") await refuseOccupiedSocket(target.path);
    targets.push(...parsed);
  }
  return targets;
}

async function listenOnAll(api: ApiServer, targets: readonly ListenTarget[], log: Log): Promise<void> {
  for (const target of targets) {
    if (target.kind === "unix") await makeDirectory(dirname(target.path), { mode: 0o755, purpose: "the socket's directory" });
    else if (servesAnyone(target)) {
      const place = { host: `tcp://${target.host}:${target.port}` };
      for (const warning of EXPOSED) log.warn(place, warning);
    }
    await api.listen(target);
  }
}

/** Resolves with the first SIGTERM or SIGINT; a third one ends the process at once, as dockerd's. */
function stopOnSignal(): Promise<NodeJS.Signals> {
  let count = 0;
  return new Promise(resolve => {
    for (const name of ["SIGTERM", "SIGINT"] as const) {
      process.on(name, () => {
        if (++count >= 3) process.exit(1);
        resolve(name);
      });
    }
  });
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    const isExpected = error instanceof OperationError || errnoCode(error) !== undefined; // What the system refused, it names.
    process.stderr.write(
      `shoald: ${isExpected ? errorMessage(error) : error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    );
    process.exit(1);
  },
);
