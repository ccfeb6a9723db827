import { errorMessage, OperationError } from "../../lib/errors.ts";
import type { Filters } from "../../model/control.ts";
import { directoryBytes } from "./container-size.ts";
import type { ContainerContext } from "./context.ts";
import type { ContainerEntry } from "./entry.ts";
import type { Lifecycle } from "./lifecycle.ts";
import { isRunning } from "./record.ts";
import { removeContainer } from "./remove-container.ts";

/** Removes what does not run; what cannot be removed stays, and keeps nothing else. @throws OperationError `invalid` for a filter that Docker does not know here. */
export async function pruneContainers(
  context: ContainerContext,
  lifecycle: Lifecycle,
  filters: Filters,
): Promise<{ readonly deleted: readonly string[]; readonly reclaimedBytes: number }> {
  const matches = compilePruneFilters(filters, context.clock.nowMs());
  const deleted: string[] = [];
  let reclaimedBytes = 0;
  for (const entry of [...context.store.entries()]) {
    if (isRunning(entry.state) || entry.isRemoving || !matches(entry)) continue;
    try {
      const bytes = await directoryBytes(context.images.upperPath(entry.id));
      await removeContainer(context, lifecycle, { entry, options: { force: false, volumes: false, link: false } });
      deleted.push(entry.id);
      reclaimedBytes += bytes;
    } catch (error) {
      if (error instanceof OperationError && error.kind === "conflict") continue; // It was started or removed meanwhile.
      context.log.warn({ container: entry.id, error: errorMessage(error) }, "a container could not be pruned");
    }
  }
  context.events.publish({
    type: "container",
    action: "prune",
    actorId: "",
    attributes: { reclaimed: String(reclaimedBytes) },
    scope: "local",
  });
  return { deleted, reclaimedBytes };
}

type EntryPredicate = (entry: Pick<ContainerEntry, "record">) => boolean;

function compilePruneFilters(filters: Filters, nowMs: number): EntryPredicate {
  const checks = Object.entries(filters).flatMap(([key, values]): readonly EntryPredicate[] => {
    switch (key) {
      case "until": {
        if (values.length > 1) throw new OperationError("invalid", "more than one until filter specified");
        return values.map(value => {
          const untilMs = parseTimeReference(value, nowMs);
          return ({ record }) => record.container.createdAtMs < untilMs;
        });
      }
      case "label":
        return values.map(
          value =>
            ({ record }) =>
              hasLabel(record.container.config.labels, value),
        );
      case "label!":
        return values.map(
          value =>
            ({ record }) =>
              !hasLabel(record.container.config.labels, value),
        );
      default:
        throw new OperationError("invalid", `invalid filter '${key}'`);
    }
  });
  return entry => checks.every(check => check(entry));
}

export function hasLabel(labels: Readonly<Record<string, string>>, filter: string): boolean {
  const [name = "", ...rest] = filter.split("=");
  return labels[name] !== undefined && (rest.length === 0 || labels[name] === rest.join("="));
}

const UNIT_MS: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 };

/** A time, seconds since 1970, or how long ago: `1h30m`. @throws OperationError `invalid`. */
export function parseTimeReference(text: string, nowMs: number): number {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * 1000;
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|h|m|s)/g)];
  if (parts.length > 0 && parts.map(([part]) => part).join("") === text) {
    return nowMs - parts.reduce((sum, [, amount, unit = ""]) => sum + Number(amount) * (UNIT_MS[unit] ?? 0), 0);
  }
  const time = Date.parse(text);
  if (Number.isNaN(time)) throw new OperationError("invalid", `failed to parse value as time or duration: "${text}"`);
  return time;
}
