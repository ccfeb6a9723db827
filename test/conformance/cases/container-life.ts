import { type Case, GONE, shows } from "../case.ts";

/** Operations that change what a container does. */
export const CONTAINER_LIFE_CASES: readonly Case[] = [
  shows("ContainerCreate", 201, "all is well", async s => {
    const name = s.newName();
    s.later("ContainerDelete", { id: name });
    return s.call({}, { query: { name }, body: { Image: "busybox", HostConfig: { NetworkMode: "none" } } });
  }),
  shows("ContainerCreate", 201, "there is something to warn of", async s => {
    const name = s.newName();
    s.later("ContainerDelete", { id: name });
    const body = { Image: "busybox", HostConfig: { NetworkMode: "none", Memory: 8 << 20, MemorySwappiness: 5 } };
    return s.call({}, { query: { name }, body });
  }),
  shows("ContainerCreate", 400, "its memory is too small", s =>
    s.call({}, { body: { Image: "busybox", HostConfig: { Memory: 1000 } } }),
  ),
  shows("ContainerCreate", 400, "the body is no JSON", s => s.call({}, { body: "{" })),
  shows("ContainerCreate", 404, "there is no such image", s => s.call({}, { body: { Image: "nothing" } })),
  shows("ContainerCreate", 409, "the name is in use", async s =>
    s.call({}, { query: { name: await s.created() }, body: { Image: "busybox" } }),
  ),

  shows("ContainerStart", 204, "it was created", async s => s.call({ id: await s.created() })),
  shows("ContainerStart", 304, "it runs already", async s => s.call({ id: await s.common.running() })),
  shows("ContainerStart", 400, "a body is sent", async s => s.call({ id: await s.created() }, { body: { Privileged: true } })),
  shows("ContainerStart", 400, "its program is not there", async s => s.call({ id: await s.created({ Cmd: ["/nothing"] }) })),
  shows("ContainerStart", 404, "there is no such container", s => s.call(GONE)),

  shows("ContainerStop", 204, "it runs", async s => s.call({ id: await s.running() }, { query: { t: "1" } })),
  shows("ContainerStop", 304, "it does not run", async s => s.call({ id: await s.created() })),
  shows("ContainerStop", 404, "there is no such container", s => s.call(GONE)),

  shows("ContainerRestart", 204, "it runs", async s => s.call({ id: await s.running() }, { query: { t: "1" } })),
  shows("ContainerRestart", 404, "there is no such container", s => s.call(GONE)),

  shows("ContainerKill", 204, "it runs", async s => s.call({ id: await s.running() })),
  shows("ContainerKill", 409, "it does not run", async s => s.call({ id: await s.created() })),
  shows("ContainerKill", 404, "there is no such container", s => s.call(GONE)),

  shows("ContainerPause", 204, "it runs", async s => {
    const id = await s.running();
    const answer = await s.call({ id });
    await s.need("ContainerUnpause", { id });
    return answer;
  }),
  shows("ContainerPause", 404, "there is no such container", s => s.call(GONE)),
  shows("ContainerUnpause", 204, "it is paused", async s => {
    const id = await s.running();
    await s.need("ContainerPause", { id });
    return s.call({ id });
  }),
  shows("ContainerUnpause", 404, "there is no such container", s => s.call(GONE)),

  shows("ContainerUpdate", 200, "it runs", async s =>
    s.call({ id: await s.running() }, { body: { Memory: 64 << 20, MemorySwap: 128 << 20 } }),
  ),
  shows("ContainerUpdate", 404, "there is no such container", s => s.call(GONE, { body: { Memory: 64 << 20 } })),

  shows("ContainerRename", 204, "the name is free", async s => {
    const id = await s.created();
    const answer = await s.call({ id }, { query: { name: `${id}-new` } });
    s.later("ContainerDelete", { id: `${id}-new` });
    return answer;
  }),
  shows("ContainerRename", 404, "there is no such container", s => s.call(GONE, { query: { name: s.newName() } })),
  shows("ContainerRename", 409, "the name is in use", async s =>
    s.call({ id: await s.created() }, { query: { name: await s.created() } }),
  ),

  shows("ContainerResize", 200, "it has a terminal", async s =>
    s.call({ id: await s.running({ Tty: true }) }, { query: { h: "30", w: "90" } }),
  ),
  shows("ContainerResize", 404, "there is no such container", s => s.call(GONE, { query: { h: "30", w: "90" } })),

  shows("ContainerWait", 200, "it has ended", async s => s.call({ id: await s.common.ended() })),
  shows("ContainerWait", 200, "it could not be started", async s => {
    const id = await s.created({ Cmd: ["/nothing"] });
    const waiting = s.call({ id }, { query: { condition: "next-exit" } });
    await s.ask("ContainerStart", { id });
    await s.need("ContainerDelete", { id }, { query: { force: "1" } });
    return waiting;
  }),
  shows("ContainerWait", 400, "the condition is unknown", async s =>
    s.call({ id: await s.created() }, { query: { condition: "never" } }),
  ),
  shows("ContainerWait", 404, "there is no such container", s => s.call(GONE)),

  shows("ContainerDelete", 204, "it does not run", async s => s.call({ id: await s.created() })),
  shows("ContainerDelete", 204, "it runs and is forced", async s => s.call({ id: await s.running() }, { query: { force: "1" } })),
  shows("ContainerDelete", 400, "several ids start so", async s => s.call({ id: await commonStart(s) })),
  shows("ContainerDelete", 404, "there is no such container", s => s.call(GONE)),
  shows("ContainerDelete", 409, "it runs", async s => s.call({ id: await s.common.running() })),

  shows(
    "ContainerPrune",
    200,
    "a label is asked for",
    async s => {
      await s.created({ Labels: { prune: s.prefix } });
      return s.call({}, { query: { filters: JSON.stringify({ label: [`prune=${s.prefix}`] }) } });
    },
    { isAlone: true },
  ),
  shows(
    "ContainerPrune",
    200,
    "there is nothing to take away",
    s => s.call({}, { query: { filters: JSON.stringify({ label: [`prune=${s.prefix}-none`] }) } }),
    { isAlone: true },
  ),
];

/** What the ids of two containers start with: of 17, two have the same first digit. */
async function commonStart(s: Parameters<Case["run"]>[0]): Promise<string> {
  const seen = new Set<string>();
  for (let count = 0; count <= 16; count++) {
    const { Id } = await s.need("ContainerInspect", { id: await s.created() });
    const [first = ""] = String(Id);
    if (seen.has(first)) return first;
    seen.add(first);
  }
  throw new Error("17 ids, and no two start with the same digit");
}
