import { isOlder } from "../../../src/api/http/version.ts";
import { type Case, shows } from "../case.ts";
import type { Json, Stage } from "../stage.ts";

/** A volume of its own. @returns its name. */
async function volume(s: Stage, body: Json = {}): Promise<string> {
  const name = s.newName();
  await s.need("VolumeCreate", {}, { body: { Name: name, ...body } });
  s.later("VolumeDelete", { name }, { query: { force: "1" } });
  return name;
}

const OWN = { Labels: { one: "1" }, DriverOpts: { type: "tmpfs", device: "tmpfs", o: "size=1m" } };

export const VOLUME_CASES: readonly Case[] = [
  shows("VolumeList", 200, "there are two", async s => {
    const names = [await volume(s), await volume(s, OWN)];
    return s.call({}, { query: { filters: JSON.stringify({ name: names }) } });
  }),
  shows("VolumeList", 200, "there is none", s => s.call({}, { query: { filters: JSON.stringify({ name: [s.newName()] }) } })),

  shows("VolumeCreate", 201, "all is said", async s => {
    const name = s.newName();
    s.later("VolumeDelete", { name });
    return s.call({}, { body: { Name: name, Driver: "local", ...OWN } });
  }),
  shows("VolumeCreate", 201, "nothing is said", async s => {
    const answer = await s.call({}, { body: {} });
    s.later("VolumeDelete", { name: String((JSON.parse(answer.body.toString()) as Json)["Name"]) });
    return answer;
  }),

  shows("VolumeInspect", 200, "it is plain", async s => s.call({ name: await volume(s) })),
  shows("VolumeInspect", 404, "there is no such volume", s => s.call({ name: s.newName() })),

  shows(
    "VolumeUpdate",
    503,
    "the node is in no swarm",
    async s => s.call({ name: await volume(s) }, { query: { version: "1" }, body: { Spec: {} } }),
    { since: "1.42" },
  ),

  shows("VolumeUpdate", 400, "no version is said", async s => s.call({ name: await volume(s) }, { body: { Spec: {} } }), {
    since: "1.42",
    onManager: true,
  }),
  shows(
    "VolumeUpdate",
    404,
    "it is one host's own",
    async s => s.call({ name: await volume(s) }, { query: { version: "1" }, body: { Spec: {} } }),
    { since: "1.42", onManager: true },
  ),

  shows("VolumeDelete", 204, "nobody has it", async s => s.call({ name: await volume(s) })),
  shows("VolumeDelete", 404, "there is no such volume", s => s.call({ name: s.newName() })),
  shows("VolumeDelete", 409, "a container has it", async s => {
    const name = await volume(s);
    await s.created({ HostConfig: { Binds: [`${name}:/v`] } });
    return s.call({ name });
  }),

  shows(
    "VolumePrune",
    200,
    "a label is asked for",
    async s => {
      await volume(s, { Labels: { prune: s.prefix } });
      const named = isOlder(s.version, "1.42") ? {} : { all: ["1"] };
      return s.call({}, { query: { filters: JSON.stringify({ label: [`prune=${s.prefix}`], ...named }) } });
    },
    { isAlone: true },
  ),
];
