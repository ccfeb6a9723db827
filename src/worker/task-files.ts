import { wipeableCopy } from "../lib/wipeable-copy.ts";
import type { AssignedTask } from "../model/session.ts";
import type { AssignmentState } from "./assignment-state.ts";
import type { TaskFiles } from "./executor.ts";

/** By id, the signals of those secrets and configs of a task that running tasks get anew. */
export function reloadSignalsOf({ revision }: AssignedTask, { byKey }: AssignmentState): ReadonlyMap<string, string> {
  const { secrets = [], configs = [] } = revision.task.container;
  const keys = [...secrets.map(({ id }) => `secret/${id}`), ...configs.map(({ id }) => `config/${id}`)];
  const signals = new Map<string, string>();
  for (const key of keys) {
    const assignment = byKey.get(key);
    const blob =
      assignment?.kind === "secret" ? assignment.secret : assignment?.kind === "config" ? assignment.config : undefined;
    if (blob?.reloadSignal !== undefined) signals.set(blob.id, blob.reloadSignal);
  }
  return signals;
}

/** The secrets and configs a task names, secrets as copies to be wiped after use; `undefined` while one of them has not come yet. */
export function filesFor({ revision }: AssignedTask, { byKey }: AssignmentState): TaskFiles | undefined {
  const { container } = revision.task;
  const secrets = new Map<string, Uint8Array>();
  const templates = new Set<string>();
  for (const { id } of container.secrets ?? []) {
    const assignment = byKey.get(`secret/${id}`);
    if (assignment?.kind !== "secret") return undefined;
    secrets.set(id, wipeableCopy(assignment.secret.data));
    if (assignment.secret.templateDriver !== undefined) templates.add(id);
  }
  const configs = new Map<string, Uint8Array>();
  for (const { id } of container.configs ?? []) {
    const assignment = byKey.get(`config/${id}`);
    if (assignment?.kind !== "config") return undefined;
    configs.set(id, assignment.config.data);
    if (assignment.config.templateDriver !== undefined) templates.add(id);
  }
  return { secrets, configs, templates };
}
