import { OperationError } from "../../lib/errors.ts";
import type { Container } from "../../model/container.ts";
import type { Filters } from "../../model/control.ts";
import type { ContainerStore } from "./container-store.ts";
import { isRunning } from "./record.ts";

type ContainerPredicate = (container: Container) => boolean;

const STATUSES = ["created", "restarting", "running", "removing", "paused", "exited", "dead"];
const HEALTH = ["none", "starting", "healthy", "unhealthy"];

export interface FilterContext {
  readonly store: ContainerStore;
  /** Ids of the image that is named and of those made from it; throws when there is none. */
  readonly imageIds: (reference: string) => ReadonlySet<string>;
}

/** Whether a filter asks for containers that do not run. */
export function asksForStopped(filters: Filters): boolean {
  return ["status", "exited", "before", "since"].some(key => (filters[key]?.length ?? 0) > 0);
}

/** Several values of one key: any, but labels: all. @throws OperationError `invalid` in Docker's words. */
export function compileContainerFilters(filters: Filters, context: FilterContext): ContainerPredicate {
  const predicates = Object.entries(filters).map(([key, values]) => {
    const make = MAKERS[key];
    if (make === undefined) throw new OperationError("invalid", `invalid filter '${key}'`);
    const checks = values.map(value => make(value, context));
    if (key === "label") return (container: Container) => checks.every(check => check(container));
    return (container: Container) => checks.length === 0 || checks.some(check => check(container));
  });
  return container => predicates.every(predicate => predicate(container));
}

const MAKERS: Readonly<Record<string, (value: string, context: FilterContext) => ContainerPredicate>> = {
  id:
    value =>
    ({ id }) =>
      id.startsWith(value),
  name: byName,
  label: byLabel,
  status: byStatus,
  exited: byExitCode,
  ancestor: byAncestor,
  before: (value, { store }) => {
    const { createdAtMs, id } = store.resolve(value).record.container;
    return container => container.id !== id && container.createdAtMs < createdAtMs;
  },
  since: (value, { store }) => {
    const { createdAtMs, id } = store.resolve(value).record.container;
    return container => container.id !== id && container.createdAtMs > createdAtMs;
  },
  volume:
    value =>
    ({ mounts }) =>
      mounts.some(({ name, destination, source }) => name === value || destination === value || source === value),
  network:
    value =>
    ({ networks }) =>
      Object.entries(networks.endpoints).some(
        ([name, { networkId }]) => name === value || (networkId !== "" && networkId.startsWith(value)),
      ),
  publish: value =>
    byPort(value, ({ networks, hostConfig }) => [
      ...Object.entries({ ...hostConfig.portBindings, ...networks.ports })
        .filter(([, bindings]) => bindings.length > 0)
        .map(([port]) => port),
      ...Object.entries(networks.ports).flatMap(([port, bindings]) =>
        bindings.map(({ hostPort }) => `${hostPort}/${port.split("/")[1]}`),
      ),
    ]),
  expose: value => byPort(value, ({ config, networks }) => [...config.exposedPorts, ...Object.keys(networks.ports)]),
  health: byHealth,
  "is-task": value => {
    const wanted = parseBoolean(value, "is-task");
    return ({ config }) => ("com.docker.swarm.task" in config.labels || "com.docker.swarm.task.id" in config.labels) === wanted;
  },
  isolation: () => () => true,
};

/** A regular expression, with or without the leading slash, as Docker's. */
function byName(value: string): ContainerPredicate {
  let pattern: RegExp;
  try {
    pattern = new RegExp(value);
  } catch {
    return ({ name }) => name === value;
  }
  return ({ name }) => pattern.test(`/${name}`) || pattern.test(name);
}

function byLabel(value: string): ContainerPredicate {
  const [name = "", ...rest] = value.split("=");
  return ({ config: { labels } }) => labels[name] !== undefined && (rest.length === 0 || labels[name] === rest.join("="));
}

function byStatus(value: string): ContainerPredicate {
  if (!STATUSES.includes(value)) throw new OperationError("invalid", `invalid filter 'status=${value}'`);
  return ({ state }) => state.status === value;
}

function byExitCode(value: string): ContainerPredicate {
  if (!/^-?\d+$/.test(value)) throw new OperationError("invalid", `invalid filter 'exited=${value}'`);
  return ({ state }) => state.startedAtMs !== undefined && !isRunning(state) && state.exitCode === Number(value);
}

function byAncestor(value: string, { imageIds }: FilterContext): ContainerPredicate {
  let ids: ReadonlySet<string> = new Set();
  try {
    ids = imageIds(value);
  } catch (error) {
    if (!(error instanceof OperationError) || error.kind !== "not-found") throw error;
  }
  return ({ imageId, config }) => ids.has(imageId) || config.image === value;
}

function byHealth(value: string): ContainerPredicate {
  if (!HEALTH.includes(value)) throw new OperationError("invalid", `invalid filter 'health=${value}'`);
  return ({ state }) => (state.health?.status ?? "none") === value;
}

/** `80`, `80/tcp`, `8000-8010/tcp`. */
function byPort(value: string, ports: (container: Container) => readonly string[]): ContainerPredicate {
  const match = /^(\d+)(?:-(\d+))?(?:\/(tcp|udp|sctp))?$/.exec(value);
  if (match === null) throw new OperationError("invalid", `invalid port specification: "${value}"`);
  const [, first = "", last = first, protocol = "tcp"] = match;
  return container =>
    ports(container).some(port => {
      const [number = "", ownProtocol = "tcp"] = port.split("/");
      return ownProtocol === protocol && Number(number) >= Number(first) && Number(number) <= Number(last);
    });
}

export function parseBoolean(value: string, filter: string): boolean {
  const text = value.toLowerCase();
  if (["1", "true", "t"].includes(text)) return true;
  if (["0", "false", "f"].includes(text)) return false;
  throw new OperationError("invalid", `invalid filter '${filter}=${value}'`);
}
