import { errorMessage, OperationError } from "../../lib/errors.ts";
import type { ContainerId, ImageId } from "../../model/ids.ts";
import { EMPTY_CONFIG } from "../images/empty-config.ts";
import {
  applyAction,
  commandWords,
  commentCommand,
  type SettingsAction,
  type StageSettings,
  workingDirectory,
} from "./apply-action.ts";
import { type BaseImages, checkedPlatform } from "./base-images.ts";
import { type BuildArguments, withArguments } from "./build-arguments.ts";
import type { BuildContext } from "./build-context.ts";
import type { BuildOutput } from "./build-output.ts";
import type { BuildStages, StageImage } from "./build-stages.ts";
import { carryOutCopy, planCopy } from "./copy-step.ts";
import { expand } from "./dockerfile/expand.ts";
import type { Action, CommandLine, CopyInstruction, Stage } from "./dockerfile/instruction.ts";
import type { EscapeToken } from "./dockerfile/logical-lines.ts";
import { parseDockerfile } from "./dockerfile/parse-dockerfile.ts";
import { readInstruction } from "./dockerfile/read-instruction.ts";
import type { BuildArchives, BuildImages } from "./effects.ts";
import { expandAction, variablesOf } from "./expand-action.ts";
import type { SourceTrees } from "./source-trees.ts";
import { type StepContainers, stepContainer } from "./step-containers.ts";
import type { StepCache } from "./step-cache.ts";
import { stepKey } from "./step-key.ts";

const DEFAULT_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** What all stages of a build share. */
export interface StageParts {
  readonly images: BuildImages;
  readonly archives: BuildArchives;
  readonly context: BuildContext;
  readonly containers: StepContainers;
  readonly trees: SourceTrees;
  readonly bases: BaseImages;
  readonly stages: BuildStages;
  readonly output: BuildOutput;
  readonly escape: EscapeToken;
  /** Each stage begins anew with it. */
  readonly newCache: () => StepCache;
  readonly removesContainers: "always" | "on-success" | "never";
  readonly signal: AbortSignal;
  /** Told of each image that the build stands on. */
  readonly hold: (image: ImageId) => void;
}

/** Builds one stage, step by step: each makes an image of the one before. */
export class StageBuilder {
  readonly #parts: StageParts;
  readonly #arguments: BuildArguments;
  #settings: StageSettings = { config: EMPTY_CONFIG, author: "", hasCommand: false };
  readonly #cache: StepCache;
  #image: StageImage = "";

  constructor(parts: StageParts, buildArguments: BuildArguments) {
    this.#parts = parts;
    this.#arguments = buildArguments;
    this.#cache = parts.newCache();
  }

  get image(): StageImage {
    return this.#image;
  }

  /** `FROM`, with the triggers that its image brings. */
  async begin({ base, platform }: Pick<Stage, "base" | "platform">): Promise<void> {
    const { stages, bases, escape } = this.#parts;
    const globals = { escape, variables: this.#arguments.globals() };
    const wanted = checkedPlatform(expand(platform, globals).text);
    const name = expand(base, globals).text;
    if (name === "") throw new OperationError("internal", `base name (${base}) should not be blank`);
    const earlier = stages.named(name);
    if (earlier !== "" && (earlier !== undefined || name !== "scratch")) {
      this.#takeUp(earlier ?? (await bases.get(name, wanted)).id);
    }
    const { onBuild: triggers = [], ...config } = this.#settings.config;
    const hasPath = config.env.some(entry => entry.startsWith("PATH="));
    this.#settings = { ...this.#settings, config: { ...config, env: hasPath ? config.env : [...config.env, DEFAULT_PATH] } };
    if (triggers.length > 0) await this.#pullTriggers(triggers);
  }

  /** Carries an instruction out. Its container is left where it failed, for the user to look at, unless that is asked otherwise. */
  async step(action: Action): Promise<void> {
    const { containers, removesContainers, escape } = this.#parts;
    const { env } = this.#settings.config;
    const variables = variablesOf([...env, ...this.#arguments.besides(env)]);
    const expanded = expandAction(action, { escape, variables });
    try {
      await this.#carryOut(expanded);
    } catch (error) {
      if (removesContainers === "always") await containers.removeAll({ isTold: true });
      throw error;
    }
    if (removesContainers !== "never") await containers.removeAll({ isTold: true });
  }

  #takeUp(id: ImageId): void {
    const { config } = this.#parts.images.get(id);
    this.#stand(id);
    this.#settings = { ...this.#settings, config };
  }

  #stand(image: ImageId): void {
    this.#parts.hold(image);
    this.#image = image;
  }

  async #pullTriggers(triggers: readonly string[]): Promise<void> {
    const { output } = this.#parts;
    await output.print(`# Executing ${triggers.length} build trigger`);
    if (triggers.length > 1) await output.print("s");
    await output.print("\n");
    for (const trigger of triggers) {
      const { nodes } = parseDockerfile(trigger);
      const [node, ...others] = nodes;
      if (node === undefined || others.length > 0)
        throw new OperationError("internal", "onbuild trigger should be a single expression");
      await this.step(readInstruction(node));
    }
  }

  #carryOut(action: Action): Promise<void> {
    switch (action.kind) {
      case "run":
        return this.#run(action.command);
      case "copy":
      case "add":
        return this.#copy(action);
      case "workdir":
        return this.#workDirectory(action.path);
      case "arg":
        for (const [name, value] of action.pairs) this.#arguments.add(name, value);
        return this.#comment(
          `ARG ${action.pairs.map(([name, value]) => (value === undefined ? name : `${name}=${value}`)).join(" ")}`,
        );
      case "unsupported":
        return Promise.reject(new OperationError("internal", action.message));
      default:
        return this.#set(action);
    }
  }

  async #set(action: SettingsAction): Promise<void> {
    const { settings, comment, note } = applyAction(this.#settings, action);
    if (note !== undefined) await this.#parts.output.print(note);
    this.#settings = settings;
    await this.#comment(comment);
  }

  /** A step that changes settings alone. */
  async #comment(comment: string): Promise<void> {
    const command = commentCommand(["#(nop) ", comment], this.#settings.config);
    await this.#cachedOr(command, async key => {
      await this.#create(command);
      return this.#commit({ key, command, isTold: true });
    });
  }

  async #workDirectory(path: string): Promise<void> {
    const { config } = this.#settings;
    const workingDir = workingDirectory(config.workingDir, path);
    this.#settings = { ...this.#settings, config: { ...config, workingDir } };
    const command = commentCommand([`#(nop) WORKDIR ${workingDir}`], config);
    await this.#cachedOr(command, async key => {
      const { archives } = this.#parts;
      const container = await this.#create(command);
      return this.#commit({ key, command, isTold: true, container, prepare: root => archives.makeFolder(root, workingDir) });
    });
  }

  async #run(line: CommandLine): Promise<void> {
    const { config } = this.#settings;
    const command = commandWords(line, config);
    const entries = this.#arguments.besides(config.env);
    const kept = entries.filter(entry => this.#arguments.isPartOfImage(entry));
    const saved = entries.length > 0 ? withArguments(command, kept) : command;
    const { entrypoint: _entrypoint, ...probed } = config;
    await this.#cachedOr(
      saved,
      async key => {
        const container = await this.#create(command, {
          env: [...config.env, ...entries],
          healthcheck: { test: ["NONE"] },
          ...(command.length > 0 && { entrypoint: [""] }),
        });
        await this.#parts.containers.run(container, command);
        return this.#commit({ key, command: saved, isTold: true, container });
      },
      command.length > 0 ? probed : config,
    );
  }

  async #copy(instruction: CopyInstruction): Promise<void> {
    const { archives, context, trees, images, signal } = this.#parts;
    const tree = instruction.from === "" ? {} : { tree: await trees.of(await this.#sourceImage(instruction.from)) };
    const plan = await planCopy(instruction, { ...tree, context, archives });
    const { workingDir } = this.#settings.config;
    const command = commentCommand([`#(nop) ${plan.comment}`], this.#settings.config);
    await this.#cachedOr(command, key =>
      trees.over(this.#image, async (to, id) => {
        await carryOutCopy(plan, { to, workingDir, context, archives });
        const archive = await archives.readChanges(images.layerFolders(id), signal);
        return this.#commitArchive(archive, { key, command, isTold: false });
      }),
    );
  }

  async #sourceImage(name: string): Promise<StageImage> {
    try {
      const stage = this.#parts.stages.find(name);
      return stage ?? (name === "scratch" ? "" : (await this.#parts.bases.get(name)).id);
    } catch (error) {
      throw new OperationError("internal", `invalid from flag value ${name}: ${errorMessage(error)}`, { cause: error });
    }
  }

  /** Takes what the same step made before, or makes it. */
  async #cachedOr(
    command: readonly string[],
    make: (key: string) => Promise<ImageId>,
    probed = this.#settings.config,
  ): Promise<void> {
    const key = stepKey(probed, command);
    const cached = await this.#cache.find(this.#image, { key, command, config: probed });
    if (cached !== undefined) await this.#parts.output.print(" ---> Using cache\n");
    this.#stand(cached ?? (await make(key)));
  }

  #create(command: readonly string[], own: Parameters<typeof stepContainer>[1] = {}): Promise<ContainerId> {
    return this.#parts.containers.create(this.#image, stepContainer(this.#settings.config, { cmd: command, ...own }));
  }

  #commit({ container, prepare, ...step }: CommittedStep): Promise<ImageId> {
    if (container === undefined) return this.#commitArchive(undefined, step);
    const { archives, images, signal, containers } = this.#parts;
    return containers.withFiles(container, async rootfsPath => {
      await prepare?.({ kind: "folder", path: rootfsPath, mounts: [] });
      return this.#commitArchive(await archives.readChanges(images.layerFolders(container), signal), step);
    });
  }

  #commitArchive(archive: AsyncIterable<Uint8Array> | undefined, { key, command, isTold }: Step): Promise<ImageId> {
    const { config, author } = this.#settings;
    return this.#parts.images.commitStep(archive, {
      ...{ baseId: this.#image, config, author, comment: "", step: { key, command }, isTold },
      createdBy: command.join(" "),
    });
  }
}

interface Step {
  readonly key: string;
  readonly command: readonly string[];
  readonly isTold: boolean;
}

interface CommittedStep extends Step {
  /** Whose files it is made of. Missing: the step changes settings alone. */
  readonly container?: ContainerId;
  /** A last change to them. */
  readonly prepare?: (root: { readonly kind: "folder"; readonly path: string; readonly mounts: readonly [] }) => Promise<void>;
}
