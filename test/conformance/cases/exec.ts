import { type Case, GONE, shows } from "../case.ts";
import type { CaseStage } from "../common.ts";

const UPGRADE = { Connection: "Upgrade", Upgrade: "tcp" };
const SPEAKS = { AttachStdout: true, AttachStderr: true, Cmd: ["sh", "-c", "echo out; echo err >&2"] };
const WAITS = { ...SPEAKS, Cmd: ["sleep", "60"] };

/** An exec in a container that runs. */
async function exec(s: CaseStage, body: object = SPEAKS, id?: string): Promise<{ readonly id: string }> {
  const { Id } = await s.need("ContainerExec", { id: id ?? (await s.common.running()) }, { body });
  return { id: String(Id) };
}

export const EXEC_CASES: readonly Case[] = [
  shows("ContainerExec", 201, "it runs", async s => s.call({ id: await s.common.running() }, { body: SPEAKS })),
  shows("ContainerExec", 404, "there is no such container", s => s.call(GONE, { body: SPEAKS })),
  shows("ContainerExec", 409, "it is paused", async s => s.call({ id: await s.common.paused() }, { body: SPEAKS })),
  shows("ContainerExec", 409, "it does not run", async s => s.call({ id: await s.created() }, { body: SPEAKS })),

  shows("ExecStart", 200, "no upgrade is asked for", async s => s.call(await exec(s), { body: {} })),
  shows("ExecStart", 200, "nobody waits for it", async s => s.call(await exec(s), { body: { Detach: true } })),
  shows("ExecStart", 404, "there is no such exec", s => s.call(GONE, { body: {} })),
  shows("ExecStart", 409, "its container is paused", async s => {
    const container = await s.running();
    const own = await exec(s, SPEAKS, container);
    await s.need("ContainerPause", { id: container });
    return s.call(own, { body: { Detach: true } });
  }),
  shows("ExecStart", 409, "it runs already", async s => {
    const own = await exec(s, WAITS);
    await s.need("ExecStart", own, { body: { Detach: true } });
    return s.call(own, { body: { Detach: true } });
  }),

  shows("ExecResize", 200, "it has a terminal", async s => {
    const own = await exec(s, { ...WAITS, Tty: true });
    await s.need("ExecStart", own, { body: { Detach: true, Tty: true } });
    return s.call(own, { query: { h: "30", w: "90" } });
  }),
  shows("ExecResize", 400, "a size is none", async s =>
    s.call(await exec(s, { ...WAITS, Tty: true }), { query: { h: "x", w: "90" } }),
  ),
  shows("ExecResize", 404, "there is no such exec", s => s.call(GONE, { query: { h: "30", w: "90" } })),

  shows("ExecInspect", 200, "it was not started", async s => s.call(await exec(s))),
  shows("ExecInspect", 200, "it runs", async s => {
    const own = await exec(s, { ...WAITS, User: "root", Env: ["A=1"], WorkingDir: "/tmp", DetachKeys: "ctrl-a" });
    await s.need("ExecStart", own, { body: { Detach: true } });
    return s.call(own);
  }),
  shows("ExecInspect", 200, "it has ended", async s => {
    const own = await exec(s);
    await s.ask("ExecStart", own, { body: {}, headers: UPGRADE });
    return s.call(own);
  }),
  shows("ExecInspect", 404, "there is no such exec", s => s.call(GONE)),
];
