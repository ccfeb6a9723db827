import type { Outcome } from "./compare.ts";
import type { Engine } from "./engines.ts";
import { list, send } from "./http.ts";

export interface Inspected {
  readonly Name: string;
  /** RFC 3339. */
  readonly Created: string;
  readonly State: { readonly Status: string };
  readonly HostConfig: { readonly Binds: readonly string[] | null };
  readonly Mounts: readonly { readonly Destination: string }[];
}

/** A real engine, and the client, keep mounts in maps: in what order they are told is chance. */
export function inOrder(inspected: Inspected): Inspected {
  const { HostConfig, Mounts } = inspected;
  return {
    ...inspected,
    HostConfig: { ...HostConfig, Binds: HostConfig.Binds?.toSorted() ?? null },
    Mounts: Mounts.toSorted((left, right) => (left.Destination < right.Destination ? -1 : 1)),
  };
}

const MADE_UP_NAME = /^\/[a-z]+_[a-z]+\d?$/;

export function byName(inspected: readonly Inspected[]): readonly Inspected[] {
  return inspected.toSorted((left, right) => (orderOf(left) < orderOf(right) ? -1 : 1));
}

/** Which name is made up is chance: containers of no other name come last, in the order in which they were made. */
function orderOf({ Name, Created }: Inspected): string {
  return MADE_UP_NAME.test(Name) ? `~${Created}` : Name;
}

/** What is told of every container that a scenario left, by name. */
export async function inspectAll(engine: Engine): Promise<Outcome> {
  const containers = await list(engine, "/v1.50/containers/json?all=1");
  const inspected = await Promise.all(
    containers.map(async ({ Id }) => {
      const { stdout } = await send(engine, { method: "GET", path: `/v1.50/containers/${String(Id)}/json` });
      return inOrder(JSON.parse(stdout) as Inspected);
    }),
  );
  return { exitCode: 0, stdout: JSON.stringify(byName(inspected)), stderr: "" };
}

/** The specs of all that a swarm keeps, by name: what users asked for, and nothing that the swarm does in its own time. */
export async function inspectSwarm(engine: Engine): Promise<Outcome> {
  const kinds = await Promise.all(
    ["services", "secrets", "configs", "nodes"].map(async kind => {
      const objects = await list(engine, `/v1.50/${kind}`);
      const specs = objects.map(({ Spec, PreviousSpec }) => ({ Spec, PreviousSpec }) as Specs);
      return [kind, specs.toSorted((left, right) => (sortKey(left) < sortKey(right) ? -1 : 1))] as const;
    }),
  );
  return { exitCode: 0, stdout: JSON.stringify(Object.fromEntries(kinds)), stderr: "" };
}

/** Nodes have no name, and ids are chance. */
function sortKey({ Spec }: Specs): string {
  return JSON.stringify([Spec.Name ?? "", Spec]);
}

interface Specs {
  readonly Spec: { readonly Name?: string };
  readonly PreviousSpec?: unknown;
}
