import { type Case, shows } from "../case.ts";
import type { Stage } from "../stage.ts";

const nowSeconds = (): string => (Date.now() / 1000).toFixed(3);
const ofContainer = (id: string): string => JSON.stringify({ container: [id] });

/** What happened to one container, asked for afterwards. */
async function past(s: Stage): Promise<Record<string, string>> {
  const since = nowSeconds();
  const id = await s.running({ Labels: { one: "1" } });
  await s.need("ContainerKill", { id });
  await s.need("ContainerWait", { id });
  return { since, until: nowSeconds(), filters: ofContainer(id) };
}

const login = (s: Stage, password: string) => ({ username: "someone", password, serveraddress: s.host.registry });

export const SYSTEM_CASES: readonly Case[] = [
  shows("SystemAuth", 200, "the registry takes the password", s => s.call({}, { body: login(s, "right") })),
  shows("SystemAuth", 401, "the registry does not", s => s.call({}, { body: login(s, "wrong") }), {
    real: { status: 500, because: "a password that is not taken is told as a failure of the engine" },
  }),

  shows("SystemInfo", 200, "it is asked", s => s.call()),
  shows("SystemVersion", 200, "it is asked", s => s.call()),
  shows("SystemPing", 200, "it is asked", s => s.call()),
  shows("SystemPingHead", 200, "it is asked", s => s.call()),

  shows("SystemEvents", 200, "the past is asked for", async s => s.call({}, { query: await past(s) })),
  shows("SystemEvents", 200, "the future is waited for", async s => {
    const name = s.newName();
    const filters = JSON.stringify({ volume: [name] });
    const events = s.call({}, { query: { filters }, isEnough: body => body.includes("\n") });
    await s.need("VolumeCreate", {}, { body: { Name: name } });
    await s.need("VolumeDelete", { name });
    return events;
  }),
  ...["application/jsonl", "application/x-ndjson", "application/json-seq"].map(type =>
    shows(
      "SystemEvents",
      200,
      `${type} is asked for`,
      async s => s.call({}, { query: await past(s), headers: { Accept: type } }),
      {
        since: "1.52",
      },
    ),
  ),
  shows("SystemEvents", 400, "it ends before it begins", s => s.call({}, { query: { since: "2000", until: "1000" } })),
  shows(
    "SystemEvents",
    400,
    "a filter is unknown",
    s => s.call({}, { query: { filters: JSON.stringify({ nothing: ["x"] }), until: "1" } }),
    {
      real: { status: 200, because: "a filter that it does not know is passed over, and everything is told" },
    },
  ),

  shows("SystemDataUsage", 200, "all is asked for", async s => {
    const volume = s.newName();
    s.later("VolumeDelete", { name: volume });
    await s.common.all(); // In every version the same are there.
    await s.running({ HostConfig: { Binds: [`${volume}:/v`] } });
    return s.call();
  }),
  ...["container", "image", "volume", "build-cache"].map(type =>
    shows("SystemDataUsage", 200, `type ${type} is asked for`, s => s.call({}, { query: { type } }), { since: "1.42" }),
  ),
];
