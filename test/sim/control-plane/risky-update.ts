import { SECOND_FORMAT_LEVEL } from "../../../src/codec/format-needs.ts";
import type { Service, ServiceSpec } from "../../../src/model/cluster.ts";
import { assert } from "../../../src/lib/assert.ts";
import { isServing } from "../../../src/manager/orchestrator/instance.ts";
import { type Clients, RISKY_SERVICE } from "./clients.ts";
import { withImage } from "./users.ts";
import type { World } from "./world.ts";

const POLL_MS = 100;
/** Up to six slots, one after another; each needs a dozen entries of a leader whose disk is slow. */
const VERDICT_MS = 110_000;
/** What a task comes to takes several writes one after another; all are to fit into the time that an update watches its tasks. */
const SLOW_DISK_MS = 600;

/**
 * At the end, when all is as asked and nothing fails any more: one update that fails in some of its slots, or in none, has to end as
 * its settings say. In every other life the leader's disk is slow meanwhile, so that others apply before it does. In some, the tasks of a
 * few slots end later than an update watches them, which is no failure of it.
 */
export async function updateRiskyService(world: World, clients: Clients): Promise<void> {
  const { random, ledger } = world;
  const before = ledger.view.byName("service", RISKY_SERVICE);
  assert(before?.spec.update !== undefined, "users have deployed it");
  const slots = [...ledger.view.tasksOfService(before.id)].filter(isServing).map(({ slot }) => slot);
  const lastBroken = random.pick([0, ...slots]) ?? 0;
  const areLate = ledger.view.formatLevel >= SECOND_FORMAT_LEVEL && random.chance(0.4); // Older managers do not know how long a task ran.
  const broken = areLate ? 0 : slots.filter(slot => slot <= lastBroken).length;
  const leader = world.leader();
  if (leader !== undefined && random.chance(0.5)) leader.disk.slowMs = SLOW_DISK_MS;
  world.trace(`the last update breaks ${broken} of ${slots.length}${areLate ? `, those up to ${lastBroken} end late` : ""}`);
  const image = lastBroken === 0 ? "app:last" : `${areLate ? "late" : "crash"}-${lastBroken}:last`;
  let isAsked = false;
  while (!isAsked) isAsked = await clients.change<ServiceSpec>("service", RISKY_SERVICE, known => withImage(known, image));
  const verdict = await verdictOn(world, RISKY_SERVICE);
  if (leader !== undefined) leader.disk.slowMs = 0;
  const { failureAction, maxFailureRatio } = before.spec.update;
  const isFailed = broken > maxFailureRatio * slots.length && failureAction !== "continue";
  const expected = !isFailed ? "completed" : failureAction === "pause" ? "paused" : "rollback_completed";
  const said = `${broken} of ${slots.length} failed, up to ${maxFailureRatio} may, then: ${failureAction}`;
  if (verdict.updateStatus?.state !== expected)
    throw new Error(`update failure: the last one is ${verdict.updateStatus?.state}, not ${expected}: ${said}`);
  if (isFailed && failureAction === "rollback" && verdict.spec.task.container.image !== before.spec.task.container.image)
    throw new Error(`update failure: the last one was rolled back to ${verdict.spec.task.container.image}: ${said}`);
}

/** The service when its update goes on no more. */
async function verdictOn({ clock, ledger, time }: World, name: string): Promise<Service> {
  const endMs = time.nowMs + VERDICT_MS;
  while (time.nowMs < endMs) {
    const service = ledger.view.byName("service", name);
    const state = service?.updateStatus?.state;
    if (service !== undefined && state !== undefined && state !== "updating" && state !== "rollback_started") return service;
    await clock.sleep(POLL_MS);
  }
  throw new Error(`update failure: the last one does not end within ${VERDICT_MS} ms`);
}
