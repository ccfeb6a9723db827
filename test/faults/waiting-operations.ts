import { FAILED_STEP } from "../../src/daemon/failpoints.ts";
import { Cut, Refused } from "./acknowledged.ts";
import { download } from "./client.ts";
import { OpenStream } from "./open-stream.ts";
import { act, awaitState, create, look, type Operation, runPublished, runWith, start, type World } from "./operation.ts";

const ANSWER_MS = 10_000;
const POLL_MS = 10;

/** What goes on for a while: streams, restarts by policy, health checks. */
export const WAITING_OPERATIONS: readonly Operation[] = [
  { name: "attach to a terminal", prepare: runTerminal, run: attachToTerminal },
  { name: "exec that is left alone", prepare: runPublished, run: execDetached },
  { name: "exec whose client leaves", prepare: runPublished, run: leaveExec },
  { name: "health check", prepare: world => create(world, CHECKED), run: awaitHealth },
  { name: "restarts by policy", prepare: world => create(world, FAILS_THRICE), run: awaitRestarts },
  {
    name: "end of one that restarts",
    prepare: world => runWith(world, { HostConfig: { RestartPolicy: { Name: "always" } } }),
    run: awaitRestartAfterEnd,
  },
  { name: "stop of one that waits to restart", prepare: runUntilItWaits, run: world => act(world, "stop?t=0") },
  { name: "remove of one that waits to restart", prepare: runUntilItWaits, run: removeByForce },
  { name: "copy out", prepare: runPublished, run: world => downloadSome(world, `/containers/${world.name}/archive?path=/bin`) },
  { name: "export", prepare: runPublished, run: world => downloadSome(world, `/containers/${world.name}/export`) },
  { name: "look at changes", prepare: runPublished, run: lookAtChanges },
];

const CHECKED = {
  Healthcheck: { Test: ["CMD", "true"], Interval: 250_000_000, Timeout: 5_000_000_000, Retries: 3 },
};
const FAILS_THRICE = { Cmd: ["false"], HostConfig: { RestartPolicy: { Name: "on-failure", MaximumRetryCount: 3 } } };

async function runTerminal(world: World): Promise<void> {
  await runWith(world, { Cmd: ["sh"], Tty: true, OpenStdin: true });
}

async function attachToTerminal(world: World): Promise<void> {
  const path = `/containers/${world.name}/attach?stream=1&stdin=1&stdout=1`;
  await using stream = await open(world, path);
  stream.write("echo $((6*7))\n");
  await saysOrEnds(stream, "42");
}

/** @throws Cut when the daemon is gone. */
function open({ host }: World, path: string, body?: object): Promise<OpenStream> {
  return OpenStream.open(host.socket, "POST", path, body).catch(async (cause: unknown) => {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === "ECONNRESET") await host.awaitDeath().catch(() => undefined); // Who is killed ends after its connections.
    const listensNoMore = code === "ENOENT"; // It is stopping.
    throw host.isUp() && !listensNoMore ? cause : new Cut(path);
  });
}

async function saysOrEnds(stream: OpenStream, text: string): Promise<void> {
  const deadlineMs = performance.now() + ANSWER_MS;
  while (!stream.text.includes(text)) {
    if (stream.text.includes(FAILED_STEP)) throw new Refused({ method: "POST", path: "exec" }, 500, stream.text);
    if (stream.isOver) throw new Cut(`the stream ends after ${JSON.stringify(stream.text)}`);
    if (performance.now() > deadlineMs) throw new Error(`no answer but ${JSON.stringify(stream.text)}`);
    await new Promise(resolve => setTimeout(resolve, POLL_MS));
  }
}

async function createExec({ known, name }: World, body: object): Promise<string> {
  const { Id } = await known.change<{ readonly Id: string }>({ method: "POST", path: `/containers/${name}/exec`, body });
  return Id;
}

async function execDetached(world: World): Promise<void> {
  const id = await createExec(world, { Cmd: ["usleep", "100000"] });
  await world.known.change({ method: "POST", path: `/exec/${id}/start`, body: { Detach: true } });
}

/** What was begun goes on, and ends by itself. */
async function leaveExec(world: World): Promise<void> {
  const id = await createExec(world, {
    Cmd: ["sh", "-c", "echo begun; usleep 300000"],
    AttachStdin: true,
    AttachStdout: true,
    Tty: true,
  });
  await using stream = await open(world, `/exec/${id}/start`, { Detach: false, Tty: true });
  await saysOrEnds(stream, "begun");
}

async function awaitHealth(world: World): Promise<void> {
  await start(world);
  await awaitState(world, "healthy", ({ State }) => State.Health?.Status === "healthy");
}

async function awaitRestarts(world: World): Promise<void> {
  const key = [`container:${world.name}`, "any"] as const;
  await world.known.change({ method: "POST", path: `/containers/${world.name}/start` }, key);
  await awaitState(world, "at its end", ({ State }) => State.Status === "exited");
}

async function awaitRestartAfterEnd(world: World): Promise<void> {
  await act(world, "kill");
  await awaitState(
    world,
    "running again",
    ({ State, RestartCount }) => (State.Status === "running" && RestartCount > 0) || State.Status === "exited",
  );
}

/** The fourth wait is 800 ms long. */
async function runUntilItWaits(world: World): Promise<void> {
  await create(world, { Cmd: ["false"], HostConfig: { RestartPolicy: { Name: "unless-stopped" } } });
  const key = [`container:${world.name}`, "any"] as const;
  await world.known.change({ method: "POST", path: `/containers/${world.name}/start` }, key);
  await awaitState(world, "waiting", ({ State, RestartCount }) => State.Status === "restarting" && RestartCount >= 4);
}

async function removeByForce({ known, name }: World): Promise<void> {
  await known.change({ method: "DELETE", path: `/containers/${name}?force=1` }, [`container:${name}`, "gone"]);
}

async function downloadSome({ host }: World, path: string): Promise<void> {
  const bytes = await download(host.socket, path).catch((cause: unknown) => {
    throw new Cut(`${path}: ${String(cause)}`);
  });
  if (bytes.length < 1_000_000 && host.isUp()) throw new Error(`${path} gave ${bytes.toString("latin1").slice(0, 300)}`);
}

async function lookAtChanges(world: World): Promise<void> {
  await look(world, { method: "GET", path: `/containers/${world.name}/changes` });
}
