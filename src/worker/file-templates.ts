import { errorMessage, OperationError } from "../lib/errors.ts";
import { wipeableCopy } from "../lib/wipeable-copy.ts";
import { compileTemplate, TemplateFailure } from "../lib/template/template.ts";
import type { FileReference } from "../model/cluster.ts";
import type { AssignedTask } from "../model/session.ts";
import type { TaskFiles } from "./executor.ts";
import { fillTemplate, templateData, type ThisNode } from "./task-names.ts";

type References = readonly FileReference<string>[];

/**
 * A task's files with those that are templates filled in: with what is known of the task, its environment, and its other files.
 *
 * @returns The files themselves where none is a template; else the secrets among them are copies, to be wiped after use.
 * @throws OperationError `invalid` naming the file whose template is none, or asks for what is not there.
 */
export function withTemplatesFilled(files: TaskFiles, assigned: AssignedTask, node: ThisNode): TaskFiles {
  const { templates } = files;
  if (templates === undefined || templates.size === 0) return files;
  const { secrets = [], configs = [] } = assigned.revision.task.container;
  const data = templateData(assigned, node);
  const functions = functionsFor(files, assigned, node);
  const filledAll = (references: References, all: ReadonlyMap<string, Uint8Array>): ReadonlyMap<string, Uint8Array> =>
    new Map(
      [...all].map(([id, plain]) => {
        if (!templates.has(id)) return [id, wipeableCopy(plain)];
        const name = references.find(reference => reference.id === id)?.name ?? id;
        return [id, filled(name, plain, { data, functions })];
      }),
    );
  return { secrets: filledAll(secrets, files.secrets), configs: filledAll(configs, files.configs) };
}

type Functions = Readonly<Record<string, (...args: readonly unknown[]) => unknown>>;

function functionsFor(files: TaskFiles, assigned: AssignedTask, node: ThisNode): Functions {
  const { secrets = [], configs = [], env = [] } = assigned.revision.task.container;
  const held = (kind: string, references: References, all: ReadonlyMap<string, Uint8Array>) => (target: unknown) => {
    const found = all.get(references.find(({ file }) => file.name === target)?.id ?? "");
    if (found === undefined) throw new OperationError("invalid", `${kind} target ${String(target)} not found`);
    return Buffer.from(found).toString("utf8");
  };
  return {
    env: name => {
      const given = env.map(line => fillTemplate(line, assigned, node)).find(line => line.startsWith(`${String(name)}=`));
      return given?.slice(String(name).length + 1) ?? "";
    },
    secret: held("secret", secrets, files.secrets),
    config: held("config", configs, files.configs),
    join: (separator, ...texts) => texts.map(String).join(String(separator)),
  };
}

function filled(
  name: string,
  plain: Uint8Array,
  { data, functions }: { readonly data: unknown; readonly functions: Functions },
): Uint8Array {
  try {
    return Buffer.from(compileTemplate(Buffer.from(plain).toString("utf8"), { isFile: true, functions })(data), "utf8");
  } catch (error) {
    if (!(error instanceof TemplateFailure || error instanceof OperationError)) throw error;
    throw new OperationError("invalid", `${name} is a template that cannot be filled in: ${errorMessage(error)}`, {
      cause: error,
    });
  }
}
