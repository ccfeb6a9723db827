import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { errorKind, OperationError } from "../../lib/errors.ts";
import type { ContainerId, ImageId } from "../../model/ids.ts";
import type { Random } from "../../ports/random.ts";
import { familiarReference, parseReference, type Reference, withDefaultTag } from "../images/reference.ts";
import { BaseImages, checkedPlatform } from "./base-images.ts";
import { BuildArguments } from "./build-arguments.ts";
import { BuildContext } from "./build-context.ts";
import { abandonedContainers, BuildFolder } from "./build-folder.ts";
import { type BuildMessage, BuildOutput } from "./build-output.ts";
import type { BuildRequest } from "./build-request.ts";
import { BuildStages } from "./build-stages.ts";
import type { Stage, StagedDockerfile } from "./dockerfile/instruction.ts";
import { readStages } from "./dockerfile/read-stages.ts";
import type { BuildArchives, BuildContainers, BuildImages } from "./effects.ts";
import { expandAction } from "./expand-action.ts";
import { SourceTrees } from "./source-trees.ts";
import { StageBuilder, type StageParts } from "./stage-builder.ts";
import { StepCache } from "./step-cache.ts";
import { StepContainers } from "./step-containers.ts";

export interface ImageBuilderOptions {
  /** Builds keep what they work on in `build` below it. */
  readonly dataRoot: string;
  readonly containers: BuildContainers;
  readonly images: BuildImages;
  readonly archives: BuildArchives;
  readonly random: Random;
}

/** Builds images of Dockerfiles, as Docker's classic builder does. */
export class ImageBuilder {
  readonly #options: ImageBuilderOptions;
  readonly #root: string;
  /** How many builds stand on an image. */
  readonly #held = new Map<ImageId, number>();

  private constructor(options: ImageBuilderOptions) {
    this.#options = options;
    this.#root = join(options.dataRoot, "build");
  }

  /** Takes away what builds left that an earlier daemon did not live to end. */
  static async create(options: ImageBuilderOptions): Promise<ImageBuilder> {
    const builder = new ImageBuilder(options);
    await mkdir(builder.#root, { recursive: true, mode: 0o700 });
    for (const id of await abandonedContainers(builder.#root)) await builder.#removeIfThere(id);
    await options.archives.remove([builder.#root]);
    await mkdir(builder.#root, { mode: 0o700 });
    return builder;
  }

  /** Whether a build is about to go on from an image. */
  isHeld(id: ImageId): boolean {
    return this.#held.has(id);
  }

  /** What is told of it, in Docker's words; an error before the first of them is thrown. */
  build(request: BuildRequest): AsyncIterable<BuildMessage> {
    const output = new BuildOutput(request);
    return output.messagesOf(() => this.#build(request, output));
  }

  async #build(request: BuildRequest, output: BuildOutput): Promise<string> {
    const { archives, random } = this.#options;
    const tags = tagsOf(request.tags);
    checkedPlatform(request.platform);
    await using folder = await BuildFolder.create(join(this.#root, Buffer.from(random.bytes(8)).toString("hex")), archives);
    const context = await BuildContext.receive(request.context, { folder: folder.path, archives });
    const { nodes, escape, warnings } = await context.takeDockerfile(request.dockerfile);
    const dockerfile = upToTarget(readStages(nodes), request);
    for (const warning of warningsShown(warnings)) await output.print(warning);
    using holds = this.#holds();
    const image = await this.#buildStages(dockerfile, { request, output, folder, context, escape, holds });
    if (image === "") throw new OperationError("internal", "No image was generated. Is your Dockerfile empty?");
    await output.print(`Successfully built ${shortId(image)}\n`);
    for (const tag of tags) {
      const name = familiarReference(tag);
      await this.#options.images.tag(image, name.slice(0, name.lastIndexOf(":")), tag.tag ?? "");
      await output.print(`Successfully tagged ${name}\n`);
    }
    return `${image}\n`;
  }

  async #buildStages(
    { globals, stages }: StagedDockerfile,
    build: Pick<StageParts, "context" | "output" | "escape"> & {
      readonly request: BuildRequest;
      readonly folder: BuildFolder;
      readonly holds: Holds;
    },
  ): Promise<ImageId | ""> {
    const { images, archives, random } = this.#options;
    const { request, output, folder, escape, holds } = build;
    const { hostConfig, signal, removesContainers } = request;
    const containers = new StepContainers({ ...this.#options, folder, output, hostConfig, signal });
    await using trees = new SourceTrees({ images, random });
    const buildArguments = new BuildArguments(request.buildArguments);
    const parts: StageParts = {
      ...{ images, archives, containers, trees, removesContainers, signal, hold: holds.hold },
      newCache: () => new StepCache(images, { ...request, hold: holds.hold }),
      ...{ context: build.context, output, escape },
      bases: new BaseImages({ images, output, request }),
      stages: new BuildStages(),
    };
    const steps = new StepCounter(globals.length + stages.reduce((sum, { instructions }) => sum + 1 + instructions.length, 0));
    try {
      for (const { text, action } of globals) {
        await output.print(steps.next(text));
        await output.print("\n");
        const expanded = expandAction(action, { escape, variables: buildArguments.allowed() });
        if (expanded.kind === "arg") for (const [name, value] of expanded.pairs) buildArguments.addGlobal(name, value);
      }
      let image: ImageId | "" = "";
      for (const stage of stages) image = await buildStage(stage, { parts, steps, buildArguments: buildArguments.ofStage() });
      const unused = buildArguments.unused();
      if (unused.length > 0) await output.print(`[Warning] One or more build-args [${unused.join(" ")}] were not consumed\n`);
      return image;
    } catch (error) {
      if (signal.aborted) await containers.removeAll({ isTold: false });
      else if (removesContainers !== "never") await containers.removeUseless();
      throw error;
    }
  }

  #holds(): Holds {
    const mine: ImageId[] = [];
    return {
      hold: image => {
        mine.push(image);
        this.#held.set(image, (this.#held.get(image) ?? 0) + 1);
      },
      [Symbol.dispose]: () => {
        for (const image of mine.splice(0)) {
          const left = (this.#held.get(image) ?? 1) - 1;
          if (left > 0) this.#held.set(image, left);
          else this.#held.delete(image);
        }
      },
    };
  }

  async #removeIfThere(id: ContainerId): Promise<void> {
    try {
      await this.#options.containers.remove(id, { force: true, volumes: true, link: false });
    } catch (error) {
      if (errorKind(error) !== "not-found") throw error;
    }
  }
}

/** What a build stands on, kept until it has ended and its image has its names. */
type Holds = Disposable & { readonly hold: (image: ImageId) => void };

async function buildStage(
  stage: Stage,
  {
    parts,
    steps,
    buildArguments,
  }: { readonly parts: StageParts; readonly steps: StepCounter; readonly buildArguments: BuildArguments },
): Promise<ImageId | ""> {
  const { output, stages, signal } = parts;
  stages.checkName(stage.name);
  const builder = new StageBuilder(parts, buildArguments);
  await output.print(steps.next(stage.text));
  await output.print("\n");
  await builder.begin(stage);
  await output.print(` ---> ${shortId(builder.image)}\n`);
  for (const { text, action } of stage.instructions) {
    if (signal.aborted) throw new OperationError("cancelled", "Build cancelled");
    await output.print(steps.next(text));
    await output.print("\n");
    await builder.step(action);
    await output.print(` ---> ${shortId(builder.image)}\n`);
  }
  if (builder.image !== "") await output.write({ aux: { ID: builder.image } });
  stages.add(stage.name, builder.image);
  return builder.image;
}

class StepCounter {
  readonly #all: number;
  #count = 0;

  constructor(all: number) {
    this.#all = all;
  }

  next(text: string): string {
    return `Step ${++this.#count}/${this.#all} : ${text}`;
  }
}

/** The user's labels are the last steps of the last stage that is built. */
function upToTarget({ globals, stages }: StagedDockerfile, { target, labels }: BuildRequest): StagedDockerfile {
  const index = target === "" ? stages.length - 1 : stages.findIndex(({ name }) => name === target.toLowerCase() && name !== "");
  const last = stages[index];
  if (last === undefined && target !== "") {
    throw new OperationError("invalid", `target stage ${JSON.stringify(target)} could not be found`);
  }
  if (last === undefined) return { globals, stages };
  const own = Object.entries(labels)
    .toSorted(([left], [right]) => (left < right ? -1 : 1))
    .map(([name, value]) => ({
      text: `LABEL ${name}=${value}`,
      action: { kind: "label", pairs: [[name, value]], isLiteral: true } as const,
    }));
  return { globals, stages: [...stages.slice(0, index), { ...last, instructions: [...last.instructions, ...own] }] };
}

/** @throws OperationError for what cannot be a name. */
function tagsOf(names: readonly string[]): readonly Reference[] {
  const tags = new Map<string, Reference>();
  for (const name of names) {
    if (name === "") continue;
    const reference = parseReference(name);
    if (reference.digest !== undefined) throw new OperationError("invalid", "build tag cannot contain a digest");
    const tag = withDefaultTag(reference);
    tags.set(familiarReference(tag), tag);
  }
  return [...tags.values()];
}

function warningsShown(warnings: readonly string[]): readonly string[] {
  if (warnings.length === 0) return [];
  const all = [...warnings, "Empty continuation lines will become errors in a future release."];
  return all.map(text => `\u001b[91m[WARNING]: ${text}\n\u001b[0m`);
}

function shortId(id: string): string {
  return id.slice("sha256:".length, "sha256:".length + 12);
}
