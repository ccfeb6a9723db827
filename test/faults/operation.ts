import { type Acknowledged, Cut, Refused } from "./acknowledged.ts";
import { type Call, send } from "./client.ts";
import type { FaultHost } from "./fault-host.ts";

export interface World {
  readonly host: FaultHost;
  readonly known: Acknowledged;
  /** Of this round: what an operation makes is named after it. */
  readonly name: string;
}

export interface Operation {
  readonly name: string;
  /** What it needs, made before anything fails. */
  readonly prepare?: (world: World) => Promise<void>;
  /** @throws Cut, Refused */
  readonly run: (world: World) => Promise<void>;
}

export interface ContainerOptions {
  readonly Image?: string;
  readonly Cmd?: readonly string[];
  readonly Tty?: boolean;
  readonly OpenStdin?: boolean;
  readonly Healthcheck?: object;
  readonly ExposedPorts?: object;
  readonly Volumes?: object;
  readonly HostConfig?: object;
}

export const IMAGE = "busybox";
const FOREVER = ["sleep", "1000000"];

export async function create({ known, name }: World, options: ContainerOptions = {}): Promise<void> {
  const body = { Image: IMAGE, Cmd: FOREVER, StopSignal: "SIGKILL", ...options };
  await known.change(
    { method: "POST", path: `/containers/create?name=${name}`, body },
    [`container:${name}`, "there"],
    [`volume:${name}`, "any"],
  );
}

export async function start(world: World): Promise<void> {
  await act(world, "start");
}

type Verb = "start" | "stop?t=0" | "restart?t=0" | "kill" | "pause" | "unpause";

const AFTER = {
  start: "running",
  "stop?t=0": "exited",
  "restart?t=0": "running",
  kill: "any",
  pause: "paused",
  unpause: "running",
} as const;

export async function act({ known, name }: World, verb: Verb): Promise<void> {
  await known.change({ method: "POST", path: `/containers/${name}/${verb}` }, [`container:${name}`, AFTER[verb]]);
}

/** Ports of the host's own. */
export function published({ name }: World): ContainerOptions {
  const port = String(20_000 + (Number(name.replace(/\D/g, "")) % 10_000));
  return { ExposedPorts: { "80/tcp": {} }, HostConfig: { PortBindings: { "80/tcp": [{ HostPort: port }] } } };
}

export async function runWith(world: World, options: ContainerOptions): Promise<void> {
  await create(world, options);
  await start(world);
}

export async function runPublished(world: World): Promise<void> {
  await runWith(world, published(world));
}

export async function createVolume({ known, name }: World): Promise<void> {
  await known.change({ method: "POST", path: "/volumes/create", body: { Name: name } }, [`volume:${name}`, "there"]);
}

export async function remove({ known, name }: World): Promise<void> {
  await known.change({ method: "DELETE", path: `/containers/${name}?force=1&v=1` }, [`container:${name}`, "gone"]);
}

/** Asks for what changes nothing. @throws Cut, Refused */
export async function look<T>({ host }: World, call: Call): Promise<T> {
  const reply = await send(host.socket, call);
  if (reply.kind === "cut") throw new Cut(`${call.method} ${call.path}`);
  if (reply.status >= 300) throw new Refused(call, reply.status, reply.body);
  return reply.body as T;
}

export interface InspectedState {
  readonly State: { readonly Status: string; readonly Health?: { readonly Status: string } };
  readonly RestartCount: number;
}

const STATE_MS = 10_000;
const POLL_MS = 15;

/** @throws Error when it does not come. */
export async function awaitState(world: World, what: string, isSo: (state: InspectedState) => boolean): Promise<void> {
  const deadlineMs = performance.now() + STATE_MS;
  for (;;) {
    const state = await look<InspectedState>(world, { method: "GET", path: `/containers/${world.name}/json` });
    if (isSo(state)) return;
    if (performance.now() > deadlineMs) throw new Error(`not ${what}: ${JSON.stringify(state.State)}`);
    await new Promise(resolve => setTimeout(resolve, POLL_MS));
  }
}
