import { errorKind, errorMessage } from "../../lib/errors.ts";
import type { ContainerConfig, HostConfig } from "../../model/container.ts";
import { EMPTY_CONTAINER_CONFIG } from "../../model/empty-config.ts";
import { type ContainerId, engineIdFrom, type ImageId } from "../../model/ids.ts";
import type { ImageConfig } from "../../model/image.ts";
import type { Random } from "../../ports/random.ts";
import type { BuildFolder } from "./build-folder.ts";
import type { BuildOutput } from "./build-output.ts";
import { CommandFailure } from "./build-request.ts";
import type { BuildContainers } from "./effects.ts";

export interface StepContainersOptions {
  readonly containers: BuildContainers;
  readonly random: Random;
  readonly folder: BuildFolder;
  readonly output: BuildOutput;
  readonly hostConfig: HostConfig;
  readonly signal: AbortSignal;
}

/** The containers of a build's steps that are still there. */
export class StepContainers {
  readonly #options: StepContainersOptions;
  readonly #ids = new Set<ContainerId>();
  /** Its command failed: it is left for the user to look at. */
  #failed: ContainerId | undefined;

  constructor(options: StepContainersOptions) {
    this.#options = options;
  }

  /** Tells which one it is. */
  async create(imageId: ImageId | "", config: ContainerConfig): Promise<ContainerId> {
    const { containers, random, folder, output, hostConfig } = this.#options;
    const id = engineIdFrom<ContainerId>(random.bytes(32));
    await folder.noteContainer(id);
    const request = { config: { ...config, image: imageId }, hostConfig, endpoints: {} };
    const { warnings } = await containers.create(request, { id, isImageless: imageId === "" });
    this.#ids.add(id);
    for (const warning of warnings) await output.print(` ---> [Warning] ${warning}\n`);
    await output.print(` ---> Running in ${id.slice(0, 12)}\n`);
    return id;
  }

  /** Runs a step's command and prints what it prints. @throws CommandFailure. */
  async run(id: ContainerId, command: readonly string[]): Promise<void> {
    const { containers, signal } = this.#options;
    const leave = new AbortController();
    const attached = this.#attach(id, AbortSignal.any([signal, leave.signal]));
    try {
      await attached.ready;
      await containers.start(id);
      await attached.over;
    } catch (error) {
      this.#failed = id;
      leave.abort(error);
      await attached.over.catch(() => undefined); // It ends because it was told to.
      throw error;
    }
    signal.throwIfAborted();
    const { result } = await containers.wait(id, "not-running", { signal });
    const { exitCode, error = "" } = await result;
    if (exitCode === 0) return;
    this.#failed = id;
    const message = `The command '${command.join(" ")}' returned a non-zero code: ${exitCode}`;
    throw new CommandFailure(error === "" ? message : `${message}: ${error}`, exitCode);
  }

  /** The container's files while it does not run. */
  withFiles<T>(id: ContainerId, action: (rootfsPath: string) => Promise<T>): Promise<T> {
    return this.#options.containers.withFileSystem(id, ({ rootfsPath }) => action(rootfsPath));
  }

  #attach(id: ContainerId, signal: AbortSignal): { readonly ready: Promise<void>; readonly over: Promise<void> } {
    const { containers, output } = this.#options;
    const print = { stdout: output.printer("stdout"), stderr: output.printer("stderr") };
    let over: Promise<void> = Promise.resolve();
    const ready = new Promise<void>((resolve, reject) => {
      over = containers.attach(id, {
        ...{ stream: true, logs: false, wantsStdout: true, wantsStderr: true, signal },
        output: (stream, data) => print[stream](data),
        onReady: () => resolve(),
      });
      over.catch(reject);
    });
    return { ready, over };
  }

  /** After a failure: of what is left nobody has any use, but of the container of a command that failed. */
  async removeUseless(): Promise<void> {
    if (this.#failed !== undefined) this.#ids.delete(this.#failed);
    await this.removeAll({ isTold: false });
  }

  /** @param options.isTold - Else without a word. */
  async removeAll({ isTold }: { readonly isTold: boolean }): Promise<void> {
    const { containers, output } = this.#options;
    for (const id of this.#ids) {
      const short = id.slice(0, 12);
      try {
        await containers.remove(id, { force: true, volumes: true, link: false });
      } catch (error) {
        if (errorKind(error) !== "not-found") {
          await output.print(`Removing intermediate container ${short}: ${errorMessage(error)}\n`);
          continue;
        }
      }
      this.#ids.delete(id);
      if (isTold) await output.print(` ---> Removed intermediate container ${short}\n`);
    }
  }
}

/** What a stage's settings make of a container. */
export function stepContainer(config: ImageConfig, own: Partial<ContainerConfig>): ContainerConfig {
  const { onBuild: _triggers, ...settings } = config;
  return { ...EMPTY_CONTAINER_CONFIG, ...settings, ...own };
}
