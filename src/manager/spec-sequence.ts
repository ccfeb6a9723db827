import { SECOND_FORMAT_LEVEL } from "../codec/format-needs.ts";
import type { Change } from "../model/entry.ts";
import type { Sequenced } from "../model/sequenced.ts";
import type { Snapshot } from "./store/snapshot.ts";

type PlannedOn = Pick<Snapshot, "index" | "formatLevel">;

/**
 * Belongs into every object that is given a spec, planned on that state. What it was before had a version up to the state's index; the
 * entry that gives it the spec has a later one. Nothing while some manager would lose it.
 */
export function specChanged({ index, formatLevel }: PlannedOn): Pick<Sequenced, "specChangedAfter"> {
  return formatLevel >= SECOND_FORMAT_LEVEL ? { specChangedAfter: index } : {};
}

/** A user's change. What it puts has a spec of the user's, the same or another. */
export function withSpecChanged(change: Change, plannedOn: PlannedOn): Change {
  if (change.kind === "remove") return change;
  switch (change.table) {
    case "cluster":
    case "node":
    case "service":
      return { ...change, object: { ...change.object, ...specChanged(plannedOn) } } as Change;
    default:
      return change;
  }
}

/** Whether who read `version` has read the spec that is there now. Its state may have moved on: the control loop writes that. */
export function isSpecOf(
  version: number,
  { version: present, specChangedAfter }: Sequenced & { readonly version: number },
): boolean {
  if (version === present) return true;
  return specChangedAfter !== undefined && specChangedAfter < version && version < present;
}
