import type { Cluster, Config, Network, Node, NodeDescription, Secret, Service, Task, TaskSpec } from "../model/cluster.ts";
import type { Change, Entry } from "../model/entry.ts";
import { FIRST_FORMAT_LEVEL } from "./entry.ts";

/**
 * What came with the second format: which one is in force, locked managers, replaced roots, attachable networks, a drain that starts first,
 * generic resources, addresses of slots, other data for secrets and configs, templates, data paths of their own, external CAs, older snapshots that are kept,
 * when a spec was given, how long a task ran, requests' refusals.
 */
export const SECOND_FORMAT_LEVEL = 2;

/** The level that an entry's changes need. Managers whose programs are older would lose what they do not know of. */
export function levelNeeded({ changes }: Pick<Entry, "changes">): number {
  return changes.some(needsSecond) ? SECOND_FORMAT_LEVEL : FIRST_FORMAT_LEVEL;
}

/** Whether it says what the first format has no field for. A field that is added to an object belongs here, or where a later format has its. */
function needsSecond(change: Change): boolean {
  if (change.kind === "remove") return false;
  switch (change.table) {
    case "cluster":
      return isClusterOfSecond(change.object);
    case "node":
      return isNodeOfSecond(change.object);
    case "task":
      return isTaskOfSecond(change.object);
    case "network":
      return isNetworkOfSecond(change.object);
    case "service":
      return isServiceOfSecond(change.object);
    case "revision":
      return isSpecOfSecond(change.object.task);
    case "secret":
    case "config":
      return isFileOfSecond(change.object);
  }
}

function isClusterOfSecond({
  formatLevel,
  epoch,
  unlockKey,
  rootCa: { issuer, rotation },
  spec,
  specChangedAfter,
}: Cluster): boolean {
  const { keepOldSnapshots, externalCas, forceRotate } = spec;
  return (
    isAnyThere(formatLevel, epoch, unlockKey, issuer, rotation, keepOldSnapshots, externalCas, specChangedAfter) ||
    forceRotate !== 0
  );
}

function isNodeOfSecond({ specChangedAfter, description }: Node): boolean {
  return specChangedAfter !== undefined || (description !== undefined && isDescriptionOfSecond(description));
}

function isServiceOfSecond({ specChangedAfter, spec, previousSpec }: Service): boolean {
  const specs = previousSpec === undefined ? [spec] : [spec, previousSpec];
  return specChangedAfter !== undefined || specs.some(({ task }) => isSpecOfSecond(task));
}

function isDescriptionOfSecond({ tls, dataPathAddress, resources: { generic } }: NodeDescription): boolean {
  return isAnyThere(tls, dataPathAddress, generic);
}

function isTaskOfSecond({ stopNotAfterMs, attachment, genericResources, ranForMs }: Task): boolean {
  return stopNotAfterMs !== undefined || attachment !== undefined || genericResources !== undefined || ranForMs !== undefined;
}

function isNetworkOfSecond({ vxlanPort, spec, ipam }: Network): boolean {
  return isAnyThere(vxlanPort, ...[...spec.ipam, ...ipam].map(({ auxiliaryAddresses }) => auxiliaryAddresses));
}

function isSpecOfSecond({ resources, container, networks }: TaskSpec): boolean {
  return isAnyThere(resources?.reservations?.generic, container.hostOptions, ...networks.map(({ addresses }) => addresses));
}

function isFileOfSecond({ reloadSignal, spec: { templateDriver } }: Secret | Config): boolean {
  return isAnyThere(reloadSignal, templateDriver);
}

function isAnyThere(...values: readonly unknown[]): boolean {
  return values.some(value => value !== undefined);
}
