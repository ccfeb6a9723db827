import { Clients } from "./clients.ts";
import { unsettled } from "./convergence.ts";
import { Faults } from "./faults.ts";
import type { Applied } from "./ledger.ts";
import { LOOK_MS, PlacementWatch } from "./placement-watch.ts";
import { updateRiskyService } from "./risky-update.ts";
import { StateWatch } from "./state-watch.ts";
import { UpdateWatch } from "./update-watch.ts";
import { Users } from "./users.ts";
import { World } from "./world.ts";

const FOUNDING_MS = 20_000;
const CHAOS_MS = 30_000;
/** Everything is as asked so long after the last fault; a service whose update has to go through its slots needs most of it. */
const SETTLE_MS = 120_000;
/** And stays so. */
const REST_MS = 3_000;

export interface SimulationResult {
  readonly traceHash: number;
  readonly entryCount: number;
  readonly operationCount: number;
  readonly acknowledgedCount: number;
  readonly settledAfterMs: number;
}

/** One life of a cluster: it is founded, used and broken for a while, then mended; all checkers look on. @throws What went wrong. */
export async function simulate(
  seed: number,
  { onTrace }: { readonly onTrace?: ((line: string) => void) | undefined } = {},
): Promise<SimulationResult> {
  const world = new World(seed, { onTrace });
  const { time, random, ledger } = world;
  const clients = new Clients(world);
  const users = new Users(world, clients);
  const faults = new Faults(world, clients);
  const placement = new PlacementWatch(world);
  const states = new StateWatch();
  const updates = new UpdateWatch();
  ledger.watchers.push(
    applied => traceEntry(world, applied),
    applied => states.look(applied),
    applied => updates.look(applied),
    applied => placement.note(applied),
  );
  every(world, LOOK_MS, () => placement.look());

  await until(world, begin(world, users), FOUNDING_MS);
  const using = users.run();
  using.catch((error: unknown) => world.fail(error)); // At once, not when it is waited for.
  const endMs = time.nowMs + CHAOS_MS;
  const strike = () => {
    if (time.nowMs > endMs) return;
    faults.strike();
    time.after(random.between(300, 3_000), strike);
  };
  strike();
  await world.run(endMs);
  users.isOver = true;
  const mended = Promise.all([using, faults.calm()]).then(() => users.mend());
  await until(world, mended, SETTLE_MS);
  const settledAfterMs = await settle(world);
  await world.run(time.nowMs + REST_MS);
  const after = unsettled(world);
  if (after !== undefined) throw new Error(`it does not stay settled: ${after}`);
  await checkSameState(world);
  await until(world, updateRiskyService(world, clients), SETTLE_MS);
  clients.check();
  const { traceHash } = world;
  const { history, acknowledgedCount } = clients;
  return { traceHash, entryCount: ledger.lastIndex, operationCount: history.length, acknowledgedCount, settledAfterMs };
}

/** Three managers and three workers, with services. */
async function begin(world: World, users: Users): Promise<void> {
  const founder = world.found();
  const { clock, ledger, random } = world;
  while (ledger.view.count("cluster") === 0) await clock.sleep(50);
  const [cluster] = ledger.view.all("cluster");
  const { joinTokenManager = "", joinTokenWorker = "" } = cluster?.rootCa ?? {};
  const managers = random.pick([1, 3, 3, 3, 3, 5]) ?? 3;
  for (let count = 1; count < managers; count++) await world.joinSwarm(founder.address, joinTokenManager);
  for (let count = 0; count < 3; count++) await world.joinSwarm(founder.address, joinTokenWorker);
  while (unsettled(world) !== undefined) await clock.sleep(100);
  await users.deploy();
}

async function settle(world: World): Promise<number> {
  const startMs = world.time.nowMs;
  await world.run(startMs + SETTLE_MS, () => unsettled(world) === undefined);
  const what = unsettled(world);
  if (what !== undefined) throw new Error(`convergence: ${SETTLE_MS / 1000} s after the last fault ${what}`);
  return world.time.nowMs - startMs;
}

async function checkSameState(world: World): Promise<void> {
  const stores = [...world.hosts.values()].flatMap(({ manager, name }) =>
    manager === undefined ? [] : [{ name, store: manager.store }],
  );
  const hashes = await Promise.all(stores.map(async ({ name, store }) => ({ name, ...(await store.stateHash()) })));
  const [first, ...others] = hashes;
  const other = others.find(({ index, hash }) => index === first?.index && hash !== first.hash);
  if (other !== undefined) throw new Error(`determinism: ${first?.name} and ${other.name} hold different states`);
}

function traceEntry(world: World, { index, entry, after }: Applied): void {
  const tasks = entry.changes.flatMap(change => {
    if (change.table !== "task") return change.table === "node" ? [`node ${JSON.stringify(change).slice(0, 300)}`] : [];
    const task = change.kind === "put" ? after.get("task", change.object.id) : undefined;
    if (task === undefined) return [`${change.kind === "put" ? change.object.id : change.id} gone`];
    const name = after.get("service", task.serviceId)?.spec.name;
    return [`${task.id} ${name}.${task.slot} ${task.status.state} wanted ${task.desiredState}`];
  });
  world.trace(`log entry ${index} ${entry.request === undefined ? "" : "of a user"}: ${tasks.join("; ")}`);
}

function every(world: World, ms: number, look: () => void): void {
  const again = () => {
    try {
      look();
    } catch (error) {
      world.fail(error);
    }
    world.time.after(ms, again);
  };
  world.time.after(ms, again);
}

/** Time goes on until this work is done. @throws When it is not within that time. */
export async function until(world: World, work: Promise<unknown>, withinMs: number): Promise<void> {
  let isDone = false;
  work.then(
    () => {
      isDone = true;
    },
    (error: unknown) => world.fail(error),
  );
  await new Promise<void>(resolve => setImmediate(resolve)); // What was begun just now has yet to ask for its time.
  await world.run(world.time.nowMs + withinMs, () => isDone);
  if (!isDone) throw new Error(`not done within ${withinMs} ms: ${unsettled(world)}`);
}
