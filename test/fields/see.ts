import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { StreamClient } from "../integration/daemon/stream-client.ts";
import { until } from "../integration/lab/lab.ts";
import { ask, send, unframed } from "../integration/security/world.ts";
import { valueAt } from "./body.ts";
import type { Effect } from "./row.ts";
import type { TrialHost } from "./trial.ts";

const READY_MS = 15_000;

/** Undefined: there is no such thing. */
export type Seen = unknown;

/** What is seen of a container in a place: see `Effect.in`. */
export async function see(host: TrialHost, id: string, place: string): Promise<Seen> {
  const { what, rest } = /^(?<what>config\.json|inspect|volume|found with) (?<rest>.*)$/.exec(place)?.groups ?? { what: place };
  switch (what) {
    case "config.json":
      return valueAt(await jsonFile(join(host.execRoot, "containers", id, "config.json")), rest ?? "");
    case "inspect":
      return valueAt(await inspect(host, id), rest ?? "");
    case "hosts":
    case "resolv.conf": {
      const path = valueAt(await inspect(host, id), what === "hosts" ? "HostsPath" : "ResolvConfPath");
      return readFile(String(path), "utf8");
    }
    case "output":
      return logOf(host, id, "");
    case "log with details":
      return logOf(host, id, "&details=1");
    case "exit code":
      return (await ask<{ StatusCode: number }>(host, `POST /containers/${id}/wait`)).StatusCode;
    case "volume":
      return valueAt(await ask(host, `GET /volumes/${String(valueAt(await inspect(host, id), "Mounts[0].Name"))}`), rest ?? "");
    case "found with": {
      const filters = encodeURIComponent(JSON.stringify({ label: [(rest ?? "").replace(/^label=/, "")] }));
      const found = await ask<readonly { Id: string }[]>(host, `GET /containers/json?all=1&filters=${filters}`);
      return found.some(({ Id }) => Id === id);
    }
    default:
      throw new Error(`nothing is seen in ${place}`);
  }
}

/** What is done to a container once it runs. */
export async function act(host: TrialHost, id: string, what: NonNullable<Effect["andThen"]>): Promise<void> {
  if (what === "stop") {
    // Its program may not have come to catch signals yet.
    await until("it is ready", READY_MS, async () =>
      (await send(host, `GET /containers/${id}/logs?stdout=1`)).body.includes("ready"),
    );
    await ask(host, `POST /containers/${id}/stop`);
    return;
  }
  const client = await StreamClient.open(host.socket, { request: `POST /containers/${id}/attach?stream=1&stdin=1` });
  client.socket.end();
}

async function inspect(host: TrialHost, id: string): Promise<unknown> {
  const { status, body } = await send(host, `GET /containers/${id}/json`);
  return status === 200 ? JSON.parse(body.toString()) : undefined;
}

async function logOf(host: TrialHost, id: string, query: string): Promise<string> {
  await ask(host, `POST /containers/${id}/wait`);
  return unframed((await send(host, `GET /containers/${id}/logs?stdout=1&stderr=1${query}`)).body);
}

async function jsonFile(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, "utf8"));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
