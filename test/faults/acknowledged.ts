import { type Call, get, send } from "./client.ts";

/** The daemon died while it was asked. */
export class Cut extends Error {}

/** The daemon said no. */
export class Refused extends Error {
  readonly status: number;

  constructor({ method, path }: Call, status: number, body: unknown) {
    super(`${method} ${path}: ${status} ${JSON.stringify(body)}`);
    this.status = status;
  }
}

interface KnownContainer {
  readonly id: string;
  readonly status: string;
  /** Of its process: one that runs on over a restart keeps it. */
  readonly startedAt: string;
}

type Kind = "container" | "network" | "volume" | "image";
export type Key = `${Kind}:${string}`;

/** What has become of something once a change of it is acknowledged. `any`: it goes on by itself. */
type Outcome = "there" | "gone" | "running" | "exited" | "paused" | "any";
type Things = ReadonlyMap<Key, KnownContainer | string>;

/** What the daemon has acknowledged. What was asked for when it died may be so or not; everything else must be as it was. */
export class Acknowledged {
  readonly #socket: string;
  #things: Things = new Map();
  /** Asked for, and not answered. */
  readonly #unsure = new Set<Key>();
  /** Answered, and not looked at since. */
  readonly #promised = new Map<Key, Outcome>();

  constructor(socket: string) {
    this.#socket = socket;
  }

  /** Asks for a change. @throws Cut, Refused */
  async change<T>(call: Call, ...promised: readonly (readonly [Key, Outcome])[]): Promise<T> {
    return this.changeIf(() => true, call, ...promised);
  }

  /** Asks for what the answer may say was not done. @param isDone - Of the answer. @throws Cut, Refused */
  async changeIf<T>(isDone: (answer: T) => boolean, call: Call, ...promised: readonly (readonly [Key, Outcome])[]): Promise<T> {
    for (const [key] of promised) this.#unsure.add(key);
    const reply = await send(this.#socket, call);
    if (reply.kind === "cut") throw new Cut(`${call.method} ${call.path}`);
    if (reply.status >= 300 && reply.status !== 304) throw new Refused(call, reply.status, reply.body);
    const answer = reply.body as T;
    for (const [key, outcome] of promised) {
      this.#unsure.delete(key);
      if (isDone(answer)) this.#promised.set(key, outcome);
    }
    return answer;
  }

  /** What differs from what was acknowledged; from then on the present is what counts. @param options.afterReboot - No process has outlived it. */
  async compare({ afterReboot = false }: { readonly afterReboot?: boolean } = {}): Promise<readonly string[]> {
    const now = await readAll(this.#socket);
    const differences: string[] = [];
    for (const key of new Set([...this.#things.keys(), ...this.#promised.keys(), ...now.keys()])) {
      if (this.#unsure.has(key)) continue;
      const [before, after, promised] = [this.#things.get(key), now.get(key), this.#promised.get(key)];
      const isKept = promised === undefined ? isSame(before, after, afterReboot) : isAsPromised(promised, after, afterReboot);
      if (!isKept) differences.push(`${key} was ${JSON.stringify(promised ?? before)} and is ${JSON.stringify(after)}`);
    }
    this.#unsure.clear();
    this.#promised.clear();
    this.#things = now;
    return differences;
  }

  has(key: Key): boolean {
    return this.#things.has(key);
  }
}

function isAsPromised(promised: Outcome, after: KnownContainer | string | undefined, afterReboot: boolean): boolean {
  if (promised === "any") return true;
  if (promised === "gone" || after === undefined) return promised === "gone" && after === undefined;
  return promised === "there" || afterReboot || (typeof after === "object" && after.status === promised);
}

function isSame(
  before: KnownContainer | string | undefined,
  after: KnownContainer | string | undefined,
  afterReboot: boolean,
): boolean {
  if (typeof before !== "object" || typeof after !== "object") return before === after;
  if (before.id !== after.id) return false;
  if (afterReboot) return true;
  return before.status === after.status && before.startedAt === after.startedAt;
}

/** Everything that a client would miss. */
async function readAll(socket: string): Promise<Things> {
  const things = new Map<Key, KnownContainer | string>();
  for (const { Id } of await get<readonly { readonly Id: string }[]>(socket, "/containers/json?all=1")) {
    const reply = await send(socket, { method: "GET", path: `/containers/${Id}/json` });
    if (reply.kind === "cut") throw new Error("the daemon is gone");
    if (reply.status === 404) continue;
    const { Name, State } = reply.body as { Name: string; State: { Status: string; StartedAt: string } };
    things.set(`container:${Name.slice(1)}`, { id: Id, status: State.Status, startedAt: State.StartedAt });
  }
  for (const { Id, Name } of await get<readonly { readonly Id: string; readonly Name: string }[]>(socket, "/networks"))
    things.set(`network:${Name}`, Id);
  const { Volumes } = await get<{ readonly Volumes: readonly { readonly Name: string }[] }>(socket, "/volumes");
  for (const { Name } of Volumes) if (!/^[0-9a-f]{64}$/.test(Name)) things.set(`volume:${Name}`, Name);
  for (const { Id, RepoTags } of await get<readonly { readonly Id: string; readonly RepoTags: readonly string[] }[]>(
    socket,
    "/images/json",
  ))
    for (const tag of RepoTags) things.set(`image:${tag.replace(/:latest$/, "")}`, Id);
  return things;
}
