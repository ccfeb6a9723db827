import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import { type Daemon, type Reply, send } from "../integration/security/world.ts";
import { bodyOf, keysOf } from "./body.ts";
import type { Asked, Effect, FieldRow, Refusal } from "./row.ts";
import { act, type Seen, see } from "./see.ts";

export interface TrialHost extends Daemon {
  /** Where bundles are. */
  readonly execRoot: string;
  /** What `{folder}` and the like stand for. */
  readonly words: Readonly<Record<string, string>>;
}

interface Made {
  readonly id: string;
  readonly warnings: readonly string[];
}

const SETTLE_MS = 15_000;
const LOOK_AGAIN_MS = 20;
const PLAIN = { Image: "busybox", Cmd: ["sleep", "1000"], "HostConfig.NetworkMode": "none" };

let count = 0;

/** Tries what a row says of a field on an engine. @throws AssertionError where it is not so. */
export async function tryRow(host: TrialHost, row: FieldRow): Promise<void> {
  switch (row.verdict) {
    case "honoured":
      for (const effect of row.effects ?? []) await tryEffect(host, row.path, effect);
      for (const refusal of row.refusals ?? []) await tryRefusal(host, row.path, refusal);
      return;
    case "kept":
      for (const asked of row.tries) await tryKept(host, row.path, asked);
      for (const refusal of row.refusals ?? []) await tryRefusal(host, row.path, refusal);
      return;
    case "refused":
      for (const refusal of row.refusals) await tryRefusal(host, row.path, refusal);
      return;
    case "warned":
      for (const asked of row.tries) await tryWarned(host, row.path, asked);
      return;
    case "told":
      for (const asked of row.tries) await tryTold(host, row.path, asked);
      return;
  }
}

/** A container with the value comes to differ from one without. */
async function tryEffect(host: TrialHost, path: string, asked: Effect): Promise<void> {
  const one = numbered(asked, host);
  const other = numbered({ ...asked, value: asked.insteadOf }, host);
  const created = await create(host, { path, asked: one });
  const { unlessSaid } = asked;
  if (unlessSaid?.test(created.body.toString()) === true) {
    if (created.status < 300) await remove(host, made(created).id);
    return;
  }
  assert.equal(created.status, 201, created.body.toString());
  const { id } = made(created);
  let otherId: string | undefined;
  try {
    await checkShown(host, { id, path, shown: Object.hasOwn(one, "shown") ? one.shown : one.value });
    const reply = await create(host, { path, asked: other });
    otherId = reply.status === 201 ? made(reply).id : undefined;
    const started = await send(host, `POST /containers/${id}/start`);
    if (unlessSaid?.test(started.body.toString()) === true) return;
    await settle(host, started, { id, asked: one });
    if (otherId !== undefined) await start(host, otherId, other).catch(() => {}); // What it would be without may not start.
    const isSeen = (seen: unknown) => matches(seen, one.is);
    await comesToBe(host, { id, in: one.in, isSo: isSeen });
    if (otherId !== undefined) await comesToBe(host, { id: otherId, in: other.in, isSo: seen => !isSeen(seen) });
  } finally {
    for (const each of [id, otherId]) if (each !== undefined) await remove(host, each);
    for (const { with: given } of [one, other]) await removeVolume(host, given?.["HostConfig.Mounts[].Source"]);
  }
}

async function comesToBe(
  host: TrialHost,
  { id, in: place, isSo }: { readonly id: string; readonly in: string; readonly isSo: (seen: unknown) => boolean },
): Promise<void> {
  const deadlineMs = performance.now() + SETTLE_MS;
  for (;;) {
    const seen: Seen = await see(host, id, place);
    if (isSo(seen)) return;
    assert.ok(performance.now() < deadlineMs, `${place} of ${id} is ${JSON.stringify(seen)}`);
    await new Promise(resolve => setTimeout(resolve, LOOK_AGAIN_MS));
  }
}

/** Refused, with nothing left of it. */
async function tryRefusal(host: TrialHost, path: string, asked: Refusal): Promise<void> {
  const one = numbered(asked, host);
  const created = await create(host, { path, asked: one });
  if (asked.isAtStart === true && created.status === 201) {
    const { id } = made(created);
    try {
      checkRefusal(await send(host, `POST /containers/${id}/start`), asked);
      assert.equal(await see(host, id, "inspect State.Status"), "created");
    } finally {
      await remove(host, id);
    }
    return;
  }
  if (created.status < 300) await remove(host, made(created).id);
  checkRefusal(created, asked);
}

function checkRefusal({ status, body }: Reply, { status: wanted, says }: Refusal): void {
  const { message = "" } = status < 300 ? {} : (JSON.parse(body.toString()) as { message?: string });
  assert.match(message, says);
  assert.equal(status, wanted, message);
}

async function tryKept(host: TrialHost, path: string, asked: Asked): Promise<void> {
  const one = numbered(asked, host);
  const { id } = made(await create(host, { path, asked: one }));
  try {
    await checkShown(host, { id, path, shown: one.value });
    await start(host, id, one);
  } finally {
    await remove(host, id);
  }
}

async function tryWarned(host: TrialHost, path: string, asked: Asked & { readonly says: RegExp }): Promise<void> {
  const { id, warnings } = made(await create(host, { path, asked: numbered(asked, host) }));
  try {
    assert.ok(
      warnings.some(warning => asked.says.test(warning)),
      `warnings are ${JSON.stringify(warnings)}`,
    );
    const shown = await see(host, id, `inspect ${shownAt(path)}`);
    assert.ok(shown === undefined || shown === 0, `inspect shows ${JSON.stringify(shown)}`);
  } finally {
    await remove(host, id);
  }
}

async function tryTold(host: TrialHost, path: string, asked: Asked): Promise<void> {
  const one = numbered(asked, host);
  const { id } = made(await create(host, { path, asked: one }));
  try {
    await start(host, id, one);
    assert.ok(!isDeepStrictEqual(await see(host, id, `inspect ${shownAt(path)}`), one.value), "what was sent was taken over");
  } finally {
    await remove(host, id);
  }
}

async function checkShown(
  host: TrialHost,
  { id, path, shown }: { readonly id: string; readonly path: string; readonly shown: unknown },
): Promise<void> {
  const seen = await see(host, id, `inspect ${shownAt(path)}`);
  if (shown instanceof RegExp) assert.match(JSON.stringify(seen), shown, `what inspect shows of ${path}`);
  else assert.deepEqual(seen, shown, `what inspect shows of ${path}`);
}

/** Where inspect shows a field of create. */
function shownAt(path: string): string {
  const place = keysOf(path)
    .map(key => (typeof key === "number" ? `[${key}]` : `.${key}`))
    .join("")
    .slice(1);
  if (place.startsWith("HostConfig.")) return place;
  return place.startsWith("NetworkingConfig.EndpointsConfig.")
    ? place.replace("NetworkingConfig.EndpointsConfig", "NetworkSettings.Networks")
    : `Config.${place}`;
}

function create(host: TrialHost, { path, asked }: { readonly path: string; readonly asked: Asked }): Promise<Reply> {
  const body = bodyOf({ ...PLAIN, ...asked.with, [path]: asked.value });
  return send(host, "POST /containers/create", { body });
}

function made(reply: Reply): Made {
  assert.equal(reply.status, 201, reply.body.toString());
  const { Id, Warnings } = JSON.parse(reply.body.toString()) as { Id: string; Warnings: readonly string[] };
  return { id: Id, warnings: Warnings };
}

async function start(host: TrialHost, id: string, asked: Started): Promise<void> {
  await settle(host, await send(host, `POST /containers/${id}/start`), { id, asked });
}

type Started = Asked & Pick<Effect, "andThen">;

async function settle(
  host: TrialHost,
  { status, body }: Reply,
  { id, asked: { andThen } }: { readonly id: string; readonly asked: Started },
): Promise<void> {
  assert.equal(status, 204, body.toString());
  if (andThen !== undefined) await act(host, id, andThen);
}

async function remove(host: TrialHost, id: string): Promise<void> {
  const { status, body } = await send(host, `DELETE /containers/${id}?force=1&v=1`);
  assert.ok([204, 404, 409].includes(status), body.toString());
}

async function removeVolume(host: TrialHost, name: unknown): Promise<void> {
  if (typeof name === "string" && /^fields\d+$/.test(name)) await send(host, `DELETE /volumes/${name}`);
}

export function matches(seen: unknown, is: unknown): boolean {
  return is instanceof RegExp ? seen !== undefined && is.test(JSON.stringify(seen)) : isDeepStrictEqual(seen, is);
}

/** With `{folder}` and the like filled in. */
function numbered<A extends Asked>(asked: A, { words }: TrialHost): A {
  const all = Object.entries({ ...words, n: String(++count) });
  const fill = (text: string) => all.reduce((filled, [word, text]) => filled.replaceAll(`{${word}}`, text), text);
  const fillAny = (value: unknown): unknown => {
    if (typeof value === "string") return fill(value);
    if (value instanceof RegExp) return new RegExp(fill(value.source.replaceAll(/\\\{(\w+)\\\}/g, "{$1}")));
    if (Array.isArray(value)) return value.map(fillAny);
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [fill(key), fillAny(inner)]));
  };
  return fillAny(asked) as A;
}
