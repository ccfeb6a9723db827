import { OperationError } from "../../lib/errors.ts";
import type { ImageConfig } from "../../model/image.ts";
import { applyAction, changesSettings, type StageSettings, workingDirectory } from "../build/apply-action.ts";
import type { Action } from "../build/dockerfile/instruction.ts";
import type { EscapeToken } from "../build/dockerfile/logical-lines.ts";
import { parseDockerfile } from "../build/dockerfile/parse-dockerfile.ts";
import { readInstruction } from "../build/dockerfile/read-instruction.ts";
import { expandAction, variablesOf } from "../build/expand-action.ts";

const CHANGES_MAX = 1_000;
/** Those that need no step of a build. */
const KEYWORDS: readonly string[] = [
  ...["cmd", "entrypoint", "healthcheck", "env", "expose", "label", "onbuild", "stopsignal", "user", "volume", "workdir"],
];

/** Applies Dockerfile instructions to a configuration, as `docker import --change` and `docker commit --change` do. Pure. */
export function applyChanges(config: ImageConfig, changes: readonly string[]): ImageConfig {
  if (changes.length > CHANGES_MAX) throw new OperationError("invalid", `more than ${CHANGES_MAX} changes`);
  const text = changes.join("\n");
  if (text.trim() === "") return config;
  const { nodes, escape } = parseDockerfile(text);
  const strange = nodes.find(({ keyword }) => !KEYWORDS.includes(keyword.toLowerCase()));
  if (strange !== undefined) throw new OperationError("invalid", `${strange.keyword} is not a valid change command`);
  const start: StageSettings = { config, author: "", hasCommand: false };
  return nodes.map(readInstruction).reduce((settings, action) => changed(settings, { action, escape }), start).config;
}

function changed(
  settings: StageSettings,
  { action, escape }: { readonly action: Action; readonly escape: EscapeToken },
): StageSettings {
  const { config } = settings;
  const expanded = expandAction(action, { escape, variables: variablesOf(config.env) });
  if (changesSettings(expanded)) return applyAction(settings, expanded).settings;
  if (expanded.kind !== "workdir") throw new OperationError("invalid", `${expanded.kind} is not a valid change command`);
  return { ...settings, config: { ...config, workingDir: workingDirectory(config.workingDir, expanded.path) } };
}
