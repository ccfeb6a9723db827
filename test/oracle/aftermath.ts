import type { Outcome } from "./compare.ts";
import type { Engine } from "./engines.ts";
import { list, send } from "./http.ts";

/** What is told of every container that a scenario left, by name. */
export async function inspectAll(engine: Engine): Promise<Outcome> {
  const containers = await list(engine, "/v1.50/containers/json?all=1");
  const inspected = await Promise.all(
    containers.map(async ({ Id }) => {
      const { stdout } = await send(engine, { method: "GET", path: `/v1.50/containers/${String(Id)}/json` });
      return JSON.parse(stdout) as Readonly<Record<string, unknown>>;
    }),
  );
  const byName = inspected.toSorted((left, right) => (String(left["Name"]) < String(right["Name"]) ? -1 : 1));
  return { exitCode: 0, stdout: JSON.stringify(byName), stderr: "" };
}
