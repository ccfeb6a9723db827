import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { call, importBusybox, ok, type TestHost, TestLab, until } from "./lab.ts";

const CONTAINERS = 30;
/** What nobody may notice: a health check, a heartbeat and an attached terminal bear it. */
const STALL_MAX_MS = 200;
/** A process that does much is kept waiting more often by a machine that others load than one that does little, as this one. */
const STARVED_FACTOR = 4;
const CALL_MS = 60_000;
const NANOSECONDS_PER_MS = 1e6;

describe("the daemon's event loop", function () {
  this.timeout(180_000);
  let lab: TestLab;
  let host: TestHost;

  before(async () => {
    lab = await TestLab.up({ managers: 1, workers: 0, isEmpty: true });
    host = lab.host("m1");
    await importBusybox([host]);
  });
  after(async () => lab?.[Symbol.asyncDispose]());

  for (const [what, work] of [
    [`${CONTAINERS} containers start at once`, startAll],
    [`${CONTAINERS} containers are removed at once`, removeAll],
  ] as const) {
    it(`is never held up for ${STALL_MAX_MS} ms while ${what}`, async () => {
      await worstSinceLastDump(host); // Begins anew.
      const own = monitorEventLoopDelay({ resolution: 10 });
      own.enable();
      await work(host);
      own.disable();
      const worstMs = await worstSinceLastDump(host);
      const limitMs = STALL_MAX_MS + (STARVED_FACTOR * own.max) / NANOSECONDS_PER_MS;
      assert.ok(worstMs > 0, "it was measured");
      assert.ok(worstMs < limitMs, `held up for ${worstMs} ms (this process: ${own.max / NANOSECONDS_PER_MS} ms)`);
    });
  }
});

async function startAll(host: TestHost): Promise<void> {
  await Promise.all(
    Array.from({ length: CONTAINERS }, async (_, index) => {
      await ask(host, "POST", `/containers/create?name=many${index}`, { Image: "busybox", Cmd: ["sleep", "1000"] });
      await ask(host, "POST", `/containers/many${index}/start`);
    }),
  );
  assert.equal((await ok<readonly unknown[]>(host, "GET", "/containers/json")).length, CONTAINERS);
}

async function removeAll(host: TestHost): Promise<void> {
  await Promise.all(Array.from({ length: CONTAINERS }, (_, index) => ask(host, "DELETE", `/containers/many${index}?force=1`)));
}

/** More patient than `ok`: all are asked for at once, and served a few at a time. */
async function ask(host: TestHost, method: string, path: string, body?: unknown): Promise<void> {
  const { status } = await call(host, method, path, { timeoutMs: CALL_MS, ...(body === undefined ? {} : { body }) });
  assert.ok(status < 300, `${method} ${path}: ${status}`);
}

/** Has the daemon write its state down. @returns the longest time its event loop was held up since it did so last. */
async function worstSinceLastDump({ socket }: TestHost): Promise<number> {
  const root = dirname(socket);
  const directory = join(root, "data", "crash");
  const before = new Set(statesIn(directory));
  process.kill(Number(readFileSync(join(root, "shoald.pid"), "utf8")), "SIGUSR1");
  let worstMs = 0;
  await until("the state is written", 10_000, async () => {
    const name = statesIn(directory).find(state => !before.has(state));
    if (name === undefined) return false;
    const state = JSON.parse(readFileSync(join(directory, name), "utf8")) as { readonly loopDelay: { readonly maxMs: number } };
    worstMs = state.loopDelay.maxMs;
    return true;
  });
  return worstMs;
}

function statesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory).filter(name => name.startsWith("shoald-state-"));
  } catch {
    return []; // Nothing has been written yet.
  }
}
