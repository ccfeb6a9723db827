import type { Config, Network, Node, Secret, Service } from "../../model/cluster.ts";
import type { ClusterEvent } from "../../model/cluster-event.ts";
import type { Snapshot, Touched } from "../store/snapshot.ts";

interface WatchedStore {
  view(): Snapshot;
  watch(options: { readonly signal: AbortSignal }): AsyncIterable<Touched>;
}

/** What is told of, in the order in which one entry's changes are told. */
const TOLD = ["node", "network", "secret", "config", "service"] as const;
type Told = (typeof TOLD)[number];
type Attributes = Readonly<Record<string, string>>;

/**
 * What happens in the cluster from this call on, as this manager applies it.
 * @throws OperationError `unavailable` when the reader fell behind or the state was replaced as a whole: what happened meanwhile is not told.
 */
export function clusterEvents(store: WatchedStore, { signal }: { readonly signal: AbortSignal }): AsyncIterable<ClusterEvent> {
  const before = store.view();
  return eventsOf(store.watch({ signal }), before);
}

async function* eventsOf(entries: AsyncIterable<Touched>, first: Snapshot): AsyncGenerator<ClusterEvent> {
  let before = first;
  for await (const { ids, view } of entries) {
    for (const type of TOLD) {
      for (const id of ids.get(type) ?? []) {
        const event = eventOf(type, id, { before, after: view });
        if (event !== undefined) yield event;
      }
    }
    before = view;
  }
}

function eventOf(
  type: Told,
  id: string,
  { before, after }: { readonly before: Snapshot; readonly after: Snapshot },
): ClusterEvent | undefined {
  switch (type) {
    case "node":
      return told(type, id, { was: before.get(type, id as Node["id"]), is: after.get(type, id as Node["id"]) }, nodeAttributes);
    case "service": {
      const [was, is] = [before.get(type, id as Service["id"]), after.get(type, id as Service["id"])];
      return told(type, id, { was: unlessRemoved(was), is: unlessRemoved(is) }, serviceAttributes);
    }
    case "network":
      return told(type, id, { was: before.get(type, id as Network["id"]), is: after.get(type, id as Network["id"]) }, nameOf);
    case "secret":
      return told(type, id, { was: before.get(type, id as Secret["id"]), is: after.get(type, id as Secret["id"]) }, nameOf);
    case "config":
      return told(type, id, { was: before.get(type, id as Config["id"]), is: after.get(type, id as Config["id"]) }, nameOf);
  }
}

/** For users a service is gone when they have removed it, while its tasks are still being taken down. */
function unlessRemoved(service: Service | undefined): Service | undefined {
  return service?.isRemoving === true ? undefined : service;
}

function told<T extends { readonly version: number }>(
  type: Told,
  id: string,
  { was, is }: { readonly was: T | undefined; readonly is: T | undefined },
  attributesOf: (is: T, was: T | undefined) => Attributes,
): ClusterEvent | undefined {
  if (is === undefined)
    return was === undefined ? undefined : { type, action: "remove", id, attributes: attributesOf(was, undefined) };
  if (was === undefined) return { type, action: "create", id, attributes: attributesOf(is, undefined) };
  return was.version === is.version ? undefined : { type, action: "update", id, attributes: attributesOf(is, was) };
}

function nameOf({ spec: { name } }: { readonly spec: { readonly name: string } }): Attributes {
  return { name };
}

function nodeAttributes(is: Node, was: Node | undefined): Attributes {
  const name = is.spec.name || (is.description?.hostname ?? "");
  if (was === undefined) return { name };
  return {
    name,
    ...difference("availability", was.spec.availability, is.spec.availability),
    ...difference("role", was.role, is.role),
    ...difference("state", was.status.state, is.status.state),
  };
}

function serviceAttributes(is: Service, was: Service | undefined): Attributes {
  const { name } = is.spec;
  if (was === undefined) return { name };
  return {
    name,
    ...difference("image", was.spec.task.container.image, is.spec.task.container.image),
    ...difference("replicas", replicasOf(was), replicasOf(is)),
    ...(is.updateStatus !== undefined && difference("updatestate", was.updateStatus?.state, is.updateStatus.state)),
  };
}

function replicasOf({ spec: { mode } }: Service): string | undefined {
  return mode.kind === "replicated" ? String(mode.replicas) : undefined;
}

/** `old` is missing where there was none. */
function difference(what: string, old: string | undefined, next: string | undefined): Attributes {
  if (old === next || next === undefined) return {};
  return { ...(old !== undefined && { [`${what}.old`]: old }), [`${what}.new`]: next };
}
