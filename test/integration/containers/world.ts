import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmdirSync, rmSync, symlinkSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { ContainerEngine } from "../../../src/engine/containers/container-engine.ts";
import { ociRuntimeSpecs } from "../../../src/engine/containers/oci-runtime-specs.ts";
import { EventLog } from "../../../src/engine/events/event-log.ts";
import { createConmonShim } from "../../../src/engine/runtime/conmon-shim.ts";
import { gatherHostFacts } from "../../../src/engine/runtime/host-facts.ts";
import type { OciRuntime } from "../../../src/engine/runtime/runtime-command.ts";
import { StateDatabase } from "../../../src/engine/state/database.ts";
import { Volumes } from "../../../src/engine/volumes/volumes.ts";
import { Archives } from "../../../src/system/archive.ts";
import { systemClock } from "../../../src/system/clock.ts";
import { readConfinedFile } from "../../../src/system/confined-file.ts";
import { HeldPaths } from "../../../src/system/held-path.ts";
import { systemLogNetwork } from "../../../src/system/log-network.ts";
import { systemRandom } from "../../../src/system/random.ts";
import { connectTcp } from "../../../src/system/connect-tcp.ts";
import { createRuntimeHost } from "../../../src/system/runtime-host.ts";
import { FakeImages } from "../../unit/engine/containers/fake-images.ts";
import { FakeNetworks } from "../../unit/engine/containers/fake-networks.ts";
import { quietLog } from "../../unit/engine/containers/fake-world.ts";

const CGROUPS = "/sys/fs/cgroup";
const BUSYBOX = "/usr/bin/busybox";
const APPLETS = [
  "sh",
  "cat",
  "echo",
  "sleep",
  "true",
  "false",
  "ls",
  "mkdir",
  "wc",
  "head",
  "yes",
  "seq",
  "env",
  "id",
  "kill",
  "pwd",
  "stty",
  "touch",
  "hostname",
  "dd",
];

/** An engine on the real shim: containers with an empty network of their own, on copies of a busybox root. */
export class RealWorld implements AsyncDisposable {
  readonly directory: string;
  readonly images: FakeImages;
  readonly networks = new FakeNetworks();
  #engine: ContainerEngine | undefined;
  #stop: (() => Promise<void>) | undefined;

  private constructor(directory: string) {
    this.directory = directory;
    this.images = new FakeImages(directory, { baseRootfs: join(directory, "rootfs") });
  }

  static async create(): Promise<RealWorld> {
    const world = new RealWorld(mkdtempSync(join(tmpdir(), "shct-")));
    const rootfs = join(world.directory, "rootfs");
    for (const name of ["bin", "etc", "tmp", "proc", "dev", "sys", "data"]) mkdirSync(join(rootfs, name), { recursive: true });
    cpSync(BUSYBOX, join(rootfs, "bin/busybox"));
    for (const name of APPLETS) symlinkSync("busybox", join(rootfs, "bin", name));
    await world.open();
    return world;
  }

  /** In the folder of another process's world. */
  static async join(directory: string): Promise<RealWorld> {
    const world = new RealWorld(directory);
    await world.open();
    return world;
  }

  /** The only unix datagram socket that log drivers reach. */
  get journalPath(): string {
    return join(this.directory, "journal");
  }

  get engine(): ContainerEngine {
    if (this.#engine === undefined) throw new Error("the engine is closed");
    return this.#engine;
  }

  /** Starts the daemon's part, also again after `close`. */
  async open(): Promise<void> {
    // runc runs on the hybrid cgroups of some test machines, crun does not.
    const runtime: OciRuntime = {
      name: "runc",
      path: "/usr/sbin/runc",
      kind: "runc",
      args: [],
      rootPath: join(this.directory, "runc"),
    };
    const host = createRuntimeHost();
    const facts = await gatherHostFacts({
      seccompProfileText: readFileSync("src/engine/runtime/seccomp/default-profile.json", "utf8"),
    });
    const database = await StateDatabase.open(join(this.directory, "state"));
    const events = new EventLog(systemClock);
    const common = {
      database,
      events,
      clock: systemClock,
      random: systemRandom,
      exec: host.exec,
      log: quietLog,
      dataRoot: this.directory,
    };
    const shim = await createConmonShim({
      host,
      log: quietLog,
      conmonPath: "/usr/bin/conmon",
      runtimes: new Map([["runc", runtime]]),
      defaultRuntime: () => "runc",
      exitDirectory: join(this.directory, "exits"),
      socketDirectory: join(this.directory, "sockets"),
      conmonCgroup: "/shct/conmon",
    });
    const archives = Archives.create();
    const heldPaths = await HeldPaths.create(join(this.directory, "held"));
    this.#engine = await ContainerEngine.create({
      ...common,
      shim,
      specs: ociRuntimeSpecs({ facts, cgroupParent: "/shct", readConfinedFile }),
      images: this.images,
      holdPath: (folder, path) => heldPaths.hold(folder, path),
      fillFolder: (folder, from) => archives.fillFolder(folder, from),
      networks: this.networks,
      connectTcp,
      volumes: await Volumes.create(common),
      execRoot: join(this.directory, "exec"),
      bootId: () => "this-boot",
      hostname,
      defaultRuntime: () => "runc",
      cgroupVersion: facts.cgroupVersion,
      // Where a machine has a journal, it is left alone.
      logNetwork: {
        ...systemLogNetwork,
        openDatagram: target =>
          systemLogNetwork.openDatagram(target.kind === "unixgram" ? { ...target, path: this.journalPath } : target),
      },
    });
    this.#stop = async () => {
      await this.#engine?.[Symbol.asyncDispose]();
      this.#engine = undefined;
      shim[Symbol.dispose]();
      await database[Symbol.asyncDispose]();
      await archives[Symbol.asyncDispose]();
    };
  }

  /** The daemon goes; containers stay. */
  async close(): Promise<void> {
    await this.#stop?.();
    this.#stop = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#engine !== undefined) {
      for (const { id } of await this.engine.list({ all: true, filters: {} })) {
        await this.engine.remove(id, { force: true, volumes: true, link: false });
      }
    }
    await this.close();
    rmSync(this.directory, { recursive: true, force: true });
    for (const controller of readdirSync(CGROUPS)) {
      for (const path of ["shct/conmon", "shct"].map(name => join(CGROUPS, controller, name)))
        if (existsSync(path)) rmdirSync(path);
    }
  }
}

/** Polls until it is so. */
export async function until(isSo: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const deadlineMs = Date.now() + 10_000;
  while (!(await isSo())) {
    if (Date.now() > deadlineMs) throw new Error(`in vain waited until ${what}`);
    await delay(5);
  }
}
