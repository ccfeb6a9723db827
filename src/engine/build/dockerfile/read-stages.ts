import { errorMessage, OperationError } from "../../../lib/errors.ts";
import { readFlags } from "./flags.ts";
import type { Instruction, Stage, StagedDockerfile } from "./instruction.ts";
import type { DockerfileNode } from "./parse-dockerfile.ts";
import { readInstruction } from "./read-instruction.ts";

const STAGE_NAME = /^[a-z][a-z0-9-_.]*$/;

/** Understands every instruction before the first is carried out. @throws OperationError `invalid`, in Docker's words. */
export function readStages(nodes: readonly DockerfileNode[]): StagedDockerfile {
  const globals: StagedDockerfile["globals"][number][] = [];
  const stages: (Omit<Stage, "instructions"> & { readonly instructions: Instruction[] })[] = [];
  for (const node of nodes) {
    if (node.keyword.toLowerCase() === "from") {
      stages.push({ ...onItsLine(node, () => stageOf(node)), instructions: [] });
      continue;
    }
    const action = onItsLine(node, () => readInstruction(node));
    const text = node.text.trim();
    const stage = stages.at(-1);
    if (stage !== undefined) stage.instructions.push({ text, action });
    else if (action.kind === "arg") globals.push({ text, action });
    else throw new OperationError("invalid", "no build stage in current context");
  }
  return { globals, stages };
}

function onItsLine<T>({ startLine }: DockerfileNode, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new OperationError("invalid", `dockerfile parse error on line ${startLine}: ${errorMessage(error)}`, { cause: error });
  }
}

function stageOf({ args: [base = "", word = "", name = ""], args, flags, text }: DockerfileNode): Omit<Stage, "instructions"> {
  const isNamed = args.length === 3 && word.toLowerCase() === "as";
  if (isNamed && !STAGE_NAME.test(name.toLowerCase())) {
    const shown = JSON.stringify(name);
    throw new OperationError(
      "invalid",
      `invalid name for build stage: ${shown}, name can't start with a number or contain symbols`,
    );
  }
  if (!isNamed && args.length !== 1) throw new OperationError("invalid", "FROM requires either one or three arguments");
  const platform = readFlags(flags, { platform: "text" }).get("platform")?.[0] ?? "";
  return { text: text.trim(), base, name: isNamed ? name.toLowerCase() : "", platform };
}
