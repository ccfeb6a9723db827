import type { Outcome } from "./compare.ts";
import type { Engine } from "./engines.ts";
import { list, send } from "./http.ts";

interface Kind {
  readonly name: string;
  readonly listPath: string;
  readonly label: (item: Readonly<Record<string, unknown>>) => unknown;
  /** Missing: not taken away. */
  readonly removePath?: (item: Readonly<Record<string, unknown>>) => string | undefined;
}

const TASKS_MS = 15_000;
const PAUSE_MS = 50;
const PREDEFINED = ["bridge", "host", "none", "docker_gwbridge", "ingress"];

/** In the order in which they are taken away: each may use what comes after it. */
const KINDS: readonly Kind[] = [
  { name: "services", listPath: "/services", label: item => specName(item), removePath: item => `/services/${text(item["ID"])}` },
  {
    name: "containers",
    listPath: "/containers/json?all=1",
    label: item => `${String(item["Names"])} ${text(item["State"])}`,
    removePath: item => `/containers/${text(item["Id"])}?force=1&v=1`,
  },
  {
    name: "networks",
    listPath: "/networks",
    // Made when a swarm first needs it.
    label: item => (item["Name"] === "docker_gwbridge" ? undefined : item["Name"]),
    removePath: item => (PREDEFINED.includes(text(item["Name"])) ? undefined : `/networks/${text(item["Id"])}`),
  },
  { name: "volumes", listPath: "/volumes", label: item => item["Name"], removePath: item => `/volumes/${text(item["Name"])}` },
  { name: "secrets", listPath: "/secrets", label: item => specName(item), removePath: item => `/secrets/${text(item["ID"])}` },
  { name: "configs", listPath: "/configs", label: item => specName(item), removePath: item => `/configs/${text(item["ID"])}` },
  { name: "images", listPath: "/images/json", label: item => item["RepoTags"] },
];

/** What builds made: it is nameless, or called so. One that another is made of goes after that, whatever the order they are listed in. */
async function removeBuilt(engine: Engine): Promise<void> {
  const isBuilt = (tags: unknown) =>
    Array.isArray(tags) && tags.every(tag => typeof tag === "string" && /^built|^<none>/.test(tag));
  for (let left = Infinity; ; ) {
    const built = (await list(engine, "/images/json")).filter(item => isBuilt(item["RepoTags"]));
    if (built.length === 0 || built.length >= left) return;
    left = built.length;
    const byName = built.toSorted((one, other) => (String(one["RepoTags"]) < String(other["RepoTags"]) ? -1 : 1));
    for (const item of byName) await send(engine, { method: "DELETE", path: `/images/${text(item["Id"])}?force=1` });
  }
}

/** The names of all that an engine holds. */
export async function listing(engine: Engine): Promise<Outcome> {
  const held = await Promise.all(
    KINDS.map(async ({ name, listPath, label }) => {
      const labels = (await list(engine, listPath)).flatMap(item => JSON.stringify(label(item)) ?? []);
      return [name, labels.toSorted((left, right) => (left < right ? -1 : 1))] as const;
    }),
  );
  return { exitCode: 0, stdout: JSON.stringify(Object.fromEntries(held)), stderr: "" };
}

/** Leaves the engine as it was: nothing of a scenario but images that were loaded. */
export async function removeAll(engine: Engine): Promise<void> {
  for (const kind of KINDS) {
    let isGone = await removeKind(engine, kind);
    if (kind.name === "containers") isGone &&= (await list(engine, "/tasks")).length === 0;
    const deadlineMs = performance.now() + TASKS_MS;
    // Tasks of a service that is gone may still be making their containers.
    while (kind.name === "containers" && !isGone && performance.now() < deadlineMs) {
      await new Promise(resolve => setTimeout(resolve, PAUSE_MS));
      isGone = (await removeKind(engine, kind)) && (await list(engine, "/tasks")).length === 0;
    }
  }
  await removeBuilt(engine);
}

/** @returns whether there was none. */
async function removeKind(engine: Engine, { listPath, removePath }: Kind): Promise<boolean> {
  if (removePath === undefined) return true;
  const paths = (await list(engine, listPath)).flatMap(item => removePath(item) ?? []);
  await Promise.all(paths.map(path => send(engine, { method: "DELETE", path })));
  return paths.length === 0;
}

function specName({ Spec: spec }: Readonly<Record<string, unknown>>): unknown {
  return typeof spec === "object" && spec !== null && "Name" in spec ? spec.Name : undefined;
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}
