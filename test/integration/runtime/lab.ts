import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, rmdir, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ConmonShim, createConmonShim } from "../../../src/engine/runtime/conmon-shim.ts";
import { gatherDeviceNodes, gatherHostFacts } from "../../../src/engine/runtime/host-facts.ts";
import type { RuntimeHost } from "../../../src/engine/runtime/host.ts";
import type { HostFacts } from "../../../src/engine/runtime/oci/facts.ts";
import { encodeSpec, planSpec, type SpecRequest } from "../../../src/engine/runtime/oci/spec.ts";
import { type ProbedRuntimes, probeRuntimes } from "../../../src/engine/runtime/probe.ts";
import type { ShimContainer, ShimCreate, ShimStreams } from "../../../src/engine/runtime/shim.ts";
import type { ContainerConfig, HostConfig } from "../../../src/model/container.ts";
import { asId, type ContainerId } from "../../../src/model/ids.ts";
import type { Log } from "../../../src/ports/log.ts";
import { createRuntimeHost } from "../../../src/system/runtime-host.ts";
import { createSeccompCompiler } from "../../../src/system/seccomp.ts";
import { aContainerConfig, aHostConfig } from "./host-config.ts";

const BUSYBOX = "/usr/bin/busybox";
const CGROUP_PARENT = "/shrt";
const silent: Log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

/** Why the kernel tests cannot run here; `undefined`: they can. */
export function whyNotHere(): string | undefined {
  if (process.getuid?.() !== 0) return "needs root";
  const missing = ["/usr/bin/conmon", BUSYBOX].find(path => !existsSync(path));
  return missing === undefined ? undefined : `needs ${missing}`;
}

export interface RunRequest extends Partial<Pick<ShimCreate, "hasStdin" | "isStdinOnce" | "attach">> {
  readonly config?: Partial<ContainerConfig>;
  readonly hostConfig?: Partial<HostConfig>;
  readonly spec?: Partial<SpecRequest>;
}

/** A folder with a busybox root, the runtimes that work here, and the containers made in it. */
export class RuntimeLab implements AsyncDisposable {
  readonly directory: string;
  readonly probed: ProbedRuntimes;
  readonly facts: HostFacts;
  readonly #made: { readonly id: ContainerId; readonly runtime: string }[] = [];

  private constructor(directory: string, probed: ProbedRuntimes, facts: HostFacts) {
    this.directory = directory;
    this.probed = probed;
    this.facts = facts;
  }

  static async create(): Promise<RuntimeLab> {
    const directory = await mkdtemp(join(tmpdir(), "shrt-"));
    await makeRootfs(join(directory, "rootfs"));
    const { exec } = createRuntimeHost();
    const probed = await probeRuntimes({ exec, runDirectory: join(directory, "runtime"), cgroupParent: CGROUP_PARENT });
    const compiler = createSeccompCompiler();
    const facts = await gatherHostFacts(
      compiler === undefined
        ? {}
        : { compiledSeccomp: { runtimes: probed.seccompFilterRuntimes, compile: seccomp => compiler.compile(seccomp) } },
    );
    return new RuntimeLab(directory, probed, facts);
  }

  /** @param changed - What of the host is not as it is. */
  shim(changed: Partial<RuntimeHost> = {}): Promise<ConmonShim> {
    const { runtimes, defaultRuntime, conmonPath } = this.probed;
    return createConmonShim({
      host: { ...createRuntimeHost(), ...changed },
      log: silent,
      conmonPath,
      runtimes,
      defaultRuntime: () => defaultRuntime,
      exitDirectory: join(this.directory, "exits"),
      socketDirectory: join(this.directory, "console"),
      conmonCgroup: `${CGROUP_PARENT}/conmon`,
    });
  }

  bundleOf(id: ContainerId): string {
    return join(this.directory, "bundles-so-far-below-that-the-path-of-a-socket-is-too-long-for-an-address", id);
  }

  log(id: ContainerId): Promise<string> {
    return readFile(join(this.bundleOf(id), "log"), "utf8");
  }

  /** Writes the bundle and says what the shim is to be asked. */
  async prepare(command: readonly string[], request: RunRequest & { readonly runtime: string }): Promise<ShimCreate> {
    const id = asId<ContainerId>(randomBytes(32).toString("hex"));
    const [path = "", ...args] = command;
    const hostConfig = aHostConfig({ ...request.hostConfig, runtime: request.runtime });
    const config = aContainerConfig(request.config);
    const { spec } = planSpec({
      container: { id, path, args, config, hostConfig },
      rootfsPath: join(this.directory, "rootfs"),
      user: { uid: 0, gid: 0, additionalGids: [], home: "/root" },
      joined: {},
      mounts: [],
      cgroupParent: CGROUP_PARENT,
      deviceNodes: await gatherDeviceNodes(hostConfig),
      facts: this.facts,
      ...request.spec,
    });
    const bundlePath = this.bundleOf(id);
    await mkdir(bundlePath, { recursive: true });
    await writeFile(join(bundlePath, "config.json"), encodeSpec(spec));
    this.#made.push({ id, runtime: request.runtime });
    return {
      id,
      bundlePath,
      logPath: join(bundlePath, "log"),
      isTty: config.tty,
      hasStdin: request.hasStdin ?? false,
      isStdinOnce: request.isStdinOnce ?? false,
      runtime: request.runtime,
      program: command[0] ?? "",
      attach: request.attach ?? false,
    };
  }

  /** Ends what a failed test left, too. */
  async [Symbol.asyncDispose](): Promise<void> {
    using shim = await this.shim();
    for (const { id, runtime } of this.#made) await shim.discard({ id, bundlePath: this.bundleOf(id), runtime });
    await rm(this.directory, { recursive: true, force: true });
    for (const controller of await readdir("/sys/fs/cgroup").catch(() => [])) {
      for (const path of [`${CGROUP_PARENT}/conmon`, CGROUP_PARENT]) {
        await rmdir(join("/sys/fs/cgroup", controller, path)).catch(() => undefined); // Another run may be using it.
      }
    }
  }
}

async function makeRootfs(path: string): Promise<void> {
  for (const name of ["bin", "proc", "sys", "dev", "etc", "tmp", "root"]) await mkdir(join(path, name), { recursive: true });
  await copyFile(BUSYBOX, join(path, "bin/busybox"));
  const { stdout } = await createRuntimeHost().exec.run(BUSYBOX, ["--list"]);
  for (const name of stdout.trim().split("\n")) {
    if (name !== "busybox") await symlink("busybox", join(path, "bin", name));
  }
  await writeFile(join(path, "etc/passwd"), "root:x:0:0:root:/root:/bin/sh\n");
  await writeFile(join(path, "etc/not-a-program"), "text\n", { mode: 0o644 });
}

/** All that comes, until the streams end. */
export async function collect(streams: ShimStreams): Promise<{ readonly stdout: string; readonly stderr: string }> {
  const chunks = { stdout: [] as Uint8Array[], stderr: [] as Uint8Array[] };
  await new Promise<void>(resolve => {
    streams.subscribe((name, data) => chunks[name].push(Uint8Array.from(data)), resolve);
  });
  return { stdout: Buffer.concat(chunks.stdout).toString(), stderr: Buffer.concat(chunks.stderr).toString() };
}

const WAIT_MS = 10_000;

/** Looks again and again until `isSo`, which is what the test waits for. */
export async function waitUntil(isSo: () => Promise<boolean>, what: string | (() => string)): Promise<void> {
  const deadlineMs = performance.now() + WAIT_MS;
  while (!(await isSo())) {
    if (performance.now() > deadlineMs) {
      throw new Error(`waited ${WAIT_MS} ms in vain: ${typeof what === "string" ? what : what()}`);
    }
    await new Promise(resolve => setTimeout(resolve, 5));
  }
}

export async function isDead(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  return stat === "" || /\) [ZX] /.test(stat);
}

export async function startContainer(
  lab: RuntimeLab,
  shim: ConmonShim,
  { command, ...request }: RunRequest & { readonly command: readonly string[]; readonly runtime: string },
): Promise<{ readonly request: ShimCreate; readonly container: ShimContainer }> {
  const prepared = await lab.prepare(command, request);
  const container = await shim.create(prepared);
  await container.start();
  return { request: prepared, container };
}
