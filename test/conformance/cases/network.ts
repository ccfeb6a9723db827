import { type Case, GONE, shows } from "../case.ts";
import type { Json, Stage } from "../stage.ts";

/** A network of its own. @returns its name. */
async function network(s: Stage, body: Json = {}): Promise<string> {
  const name = s.newName();
  await s.need("NetworkCreate", {}, { body: { Name: name, ...body } });
  s.later("NetworkDelete", { id: name });
  return name;
}

/** Ranges that nothing else has, one for each case that needs to say one. */
const IPAM = {
  Config: [
    { Subnet: "10.213.1.0/24", IPRange: "10.213.1.128/25", Gateway: "10.213.1.1", AuxiliaryAddresses: { a: "10.213.1.2" } },
  ],
};
const OWN = {
  Driver: "bridge",
  Internal: true,
  Labels: { one: "1" },
  Options: { "com.docker.network.bridge.enable_icc": "false" },
  IPAM,
};

export const NETWORK_CASES: readonly Case[] = [
  shows("NetworkList", 200, "there are the predefined ones and one more", async s => {
    const name = await network(s, { Labels: { one: "1" } });
    return s.call({}, { query: { filters: JSON.stringify({ name: [name, "bridge", "host", "none"] }) } });
  }),

  shows("NetworkInspect", 200, "it has a container", async s => {
    const name = await network(s, OWN);
    await s.running({ HostConfig: { NetworkMode: name } });
    return s.call({ id: name });
  }),
  shows("NetworkInspect", 200, "it is predefined", s => s.call({ id: "host" }, { query: { verbose: "1" } })),
  shows("NetworkInspect", 404, "there is no such network", s => s.call(GONE)),

  shows("NetworkDelete", 204, "nobody is in it", async s => s.call({ id: await network(s) })),
  shows("NetworkDelete", 403, "it is predefined", s => s.call({ id: "bridge" })),
  shows("NetworkDelete", 403, "a container is in it", async s => {
    const name = await network(s);
    await s.running({ HostConfig: { NetworkMode: name } });
    return s.call({ id: name });
  }),
  shows("NetworkDelete", 404, "there is no such network", s => s.call(GONE)),

  shows("NetworkCreate", 201, "a name is enough", async s => {
    const name = s.newName();
    s.later("NetworkDelete", { id: name });
    return s.call({}, { body: { Name: name } });
  }),
  shows("NetworkCreate", 400, "its subnet is none", s =>
    s.call({}, { body: { Name: s.newName(), IPAM: { Config: [{ Subnet: "nothing" }] } } }),
  ),
  shows("NetworkCreate", 403, "the name is predefined", s => s.call({}, { body: { Name: "bridge" } })),
  shows("NetworkCreate", 404, "there is no such driver", s => s.call({}, { body: { Name: s.newName(), Driver: "nothing" } }), {
    oursAlone: "it looks for a plugin of that name for 15 s, and then says the same",
  }),

  shows("NetworkConnect", 200, "the container runs", async s => {
    const [id, container] = [await network(s), await s.running({ HostConfig: { NetworkMode: "bridge" } })];
    return s.call({ id }, { body: { Container: container, EndpointConfig: { Aliases: ["other"] } } });
  }),
  shows("NetworkConnect", 400, "its address is none", async s =>
    s.call(
      { id: await network(s) },
      { body: { Container: await s.created(), EndpointConfig: { IPAMConfig: { IPv4Address: "nothing" } } } },
    ),
  ),
  shows("NetworkConnect", 403, "it is in it", async s => {
    const id = await network(s);
    return s.call({ id }, { body: { Container: await s.running({ HostConfig: { NetworkMode: id } }) } });
  }),
  shows("NetworkConnect", 404, "there is no such container", async s =>
    s.call({ id: await network(s) }, { body: { Container: GONE.id } }),
  ),
  shows("NetworkConnect", 400, "it has no network at all", async s =>
    s.call({ id: await network(s) }, { body: { Container: await s.common.running() } }),
  ),
  shows("NetworkConnect", 404, "there is no such network", async s =>
    s.call(GONE, { body: { Container: await s.common.onBridge() } }),
  ),

  shows("NetworkDisconnect", 200, "the container is in it", async s => {
    const id = await network(s);
    return s.call({ id }, { body: { Container: await s.running({ HostConfig: { NetworkMode: id } }) } });
  }),
  shows("NetworkDisconnect", 404, "there is no such container", async s =>
    s.call({ id: await network(s) }, { body: { Container: GONE.id } }),
  ),
  shows(
    "NetworkDisconnect",
    403,
    "it is not in it",
    async s => s.call({ id: await network(s) }, { body: { Container: await s.common.onBridge() } }),
    { real: { status: 500, because: "what the client got wrong is answered as a failure of the engine" } },
  ),
  shows("NetworkDisconnect", 400, "it has its host's network", async s =>
    s.call({ id: "host" }, { body: { Container: await s.running({ HostConfig: { NetworkMode: "host" } }) } }),
  ),
  shows("NetworkDisconnect", 404, "there is no such network", async s =>
    s.call(GONE, { body: { Container: await s.common.onBridge() } }),
  ),

  shows(
    "NetworkPrune",
    200,
    "a label is asked for",
    async s => {
      await network(s, { Labels: { prune: s.prefix } });
      return s.call({}, { query: { filters: JSON.stringify({ label: [`prune=${s.prefix}`] }) } });
    },
    { isAlone: true },
  ),
];
