import { errorMessage, OperationError } from "../../lib/errors.ts";
import type { Container, HostConfig } from "../../model/container.ts";
import { parseLink } from "../networks/links.ts";
import type { ContainerContext } from "./context.ts";
import type { ContainerEntry } from "./entry.ts";
import { linkVariables } from "./link-variables.ts";
import { isRunning } from "./record.ts";

type Store = Pick<ContainerContext["store"], "resolve">;

const BARE_MODES = ["host", "none"];
const DEFAULT_MODES = ["", "default", "bridge"];
const NO_LINKS_ON_HOST =
  "conflicting options: host type networking can't be used with links. This would result in undefined behavior";

/**
 * `--link` on the default bridge, by id: names may change. On a network of the user's a link is its endpoint's.
 * @throws OperationError `invalid` for a link to what is not there or has no network of its own.
 */
export function settleLinks(store: Store, { networkMode, links }: HostConfig): readonly string[] {
  if (![...DEFAULT_MODES, ...BARE_MODES].includes(networkMode)) return [];
  return links.map(text => {
    const { target, alias } = parseLink(text);
    return `${networkOwner(store, target).id}:${alias}`;
  });
}

/** The container of that name, or the one whose network it shares. */
function networkOwner(store: Store, name: string): ContainerEntry {
  let entry: ContainerEntry;
  try {
    entry = store.resolve(name);
  } catch (error) {
    throw new OperationError("invalid", `could not get container for ${name}: ${errorMessage(error)}`, { cause: error });
  }
  const { networkMode } = entry.record.container.hostConfig;
  if (networkMode === "host") throw new OperationError("invalid", NO_LINKS_ON_HOST);
  return networkMode.startsWith("container:") ? networkOwner(store, networkMode.slice("container:".length)) : entry;
}

/**
 * What a container's environment gets from those it is linked to.
 * @throws OperationError `internal` in Docker's words for one that does not run.
 */
export function linkedEnvironment(store: Store, { name, hostConfig, networks }: Container): readonly string[] {
  if (networks.endpoints["bridge"] === undefined) return [];
  return linksOf(store, hostConfig).flatMap(({ entry, alias }) => {
    const { container: child } = entry.record;
    const fullAlias = `/${name}/${alias}`;
    if (!isRunning(entry.state)) {
      throw new OperationError("internal", `Cannot link to a non running container: /${child.name} AS ${fullAlias}`);
    }
    const endpoint = child.networks.endpoints["bridge"];
    if (endpoint === undefined) {
      throw new OperationError("internal", `container ${child.id} not attached to default bridge network`);
    }
    return linkVariables(fullAlias, { address: endpoint.ipAddress, config: child.config });
  });
}

/** As inspect shows them: `/db:/web/database`. */
export function shownLinks(store: Store, { name, hostConfig }: Container): readonly string[] {
  return linksOf(store, hostConfig).map(({ entry, alias }) => `/${entry.name}:/${name}/${alias}`);
}

/** What others call each container, by its id: `web/database`. */
export function linkNames(entries: Iterable<ContainerEntry>): ReadonlyMap<string, readonly string[]> {
  const names = new Map<string, readonly string[]>();
  for (const { name, record } of entries) {
    for (const { target, alias } of record.container.hostConfig.links.map(parseLink))
      names.set(target, [...(names.get(target) ?? []), `${name}/${alias}`]);
  }
  return names;
}

/** The id of the container that is called so by another, and the other. */
export function findByLink(
  entries: Iterable<ContainerEntry>,
  linkName: string,
): { readonly parent: ContainerEntry; readonly targetId: string } | undefined {
  const [, parentName, wanted] = /^\/?([^/]+)\/([^/]+)$/.exec(linkName) ?? [];
  if (wanted === undefined) return undefined;
  for (const parent of entries) {
    if (parent.name !== parentName) continue;
    const link = parent.record.container.hostConfig.links.map(parseLink).find(({ alias }) => alias === wanted);
    return link === undefined ? undefined : { parent, targetId: link.target };
  }
  return undefined;
}

/**
 * `docker rm --link web/database`: `web` is linked to it no more, from its next start on; both containers stay.
 * @throws OperationError `not-found` where nothing is called so; `internal` in Docker's words for a container's own name.
 */
export async function removeLink(store: ContainerContext["store"], name: string): Promise<void> {
  store.resolve(name);
  const found = findByLink(store.entries(), name);
  if (found === undefined) throw new OperationError("internal", "Conflict, cannot remove the default link name of the container");
  const alias = name.split("/").at(-1);
  await store.change(found.parent, record => {
    const { container } = record;
    const links = container.hostConfig.links.filter(link => parseLink(link).alias !== alias);
    return { ...record, container: { ...container, hostConfig: { ...container.hostConfig, links } } };
  });
}

/** A container that was removed is linked to no more. */
function linksOf(
  store: Store,
  { links }: Pick<HostConfig, "links">,
): readonly { readonly entry: ContainerEntry; readonly alias: string }[] {
  return links.map(parseLink).flatMap(({ target, alias }) => {
    const entry = find(store, target);
    return entry === undefined ? [] : [{ entry, alias }];
  });
}

function find(store: Store, name: string): ContainerEntry | undefined {
  try {
    return store.resolve(name);
  } catch {
    return undefined;
  }
}
