import type { ArmedFailpoint } from "../../src/daemon/failpoints.ts";
import { Acknowledged, Cut, Refused } from "./acknowledged.ts";
import { get } from "./client.ts";
import type { FaultHost } from "./fault-host.ts";
import { settledLeftovers } from "./leftovers.ts";
import type { Operation, World } from "./operation.ts";
import { cleanUp } from "./operations.ts";

/** What goes wrong. `moment` (kill -9), `stop` (SIGTERM) and `crash` (power loss) come so many ms after the operation began. */
export type Fault =
  | { readonly kind: "failpoint"; readonly armed: ArmedFailpoint }
  | { readonly kind: "moment"; readonly afterMs: number }
  | { readonly kind: "stop"; readonly afterMs: number }
  | { readonly kind: "crash"; readonly afterMs: number }
  | { readonly kind: "error"; readonly armed: ArmedFailpoint };

export interface Round {
  readonly operation: Operation;
  readonly fault: Fault;
}

export interface RoundResult {
  readonly problems: readonly string[];
  /** Whether the fault came: an armed failpoint may not have been passed. */
  readonly isHit: boolean;
  readonly ending: string;
}

/** Steps behind the user's back come within that time after the answer. */
const BEHIND_MS = 1_500;
const POLICY_MS = 5_000;
/** Undoing: when such a step fails, what is left goes at the next start of the daemon. */
const UNDOING = /lower|delete|remov|umount|unmount|trash|undo|firewall\.load|probe/;

/** One operation and one fault, then everything as it should be. */
export async function playRound(
  host: FaultHost,
  known: Acknowledged,
  round: Round & { readonly name: string },
): Promise<RoundResult> {
  const { operation, fault, name } = round;
  const world: World = { host, known, name };
  await operation.prepare?.(world);
  const before = await known.compare();
  host.takeHits();
  const error = await suffer(world, { operation, fault });
  const isHit = "armed" in fault ? !host.disarm() : true;
  if (!host.isUp()) await host.start();
  await untilStarted(host);
  const problems = [...before.map(line => `before: ${line}`), ...unexpected(round, error)];
  // One that is done although a step failed has left that to the next start.
  const isUndoing = fault.kind === "error" && isHit && (UNDOING.test(fault.armed.name) || error === undefined);
  if (isUndoing) await restart(host);
  problems.push(...(await settledLeftovers(host)), ...(await known.compare({ afterReboot: fault.kind === "crash" })));
  if (fault.kind === "error" && problems.length === 0 && !isUndoing)
    problems.push(...(await again(world, operation, error)), ...(await known.compare()));
  await cleanUp(world).catch((cause: unknown) => problems.push(`clean-up: ${String(cause)}`));
  problems.push(...(await settledLeftovers(host)).map(line => `after clean-up: ${line}`), ...(await known.compare()));
  return { problems, isHit, ending: error === undefined ? "done" : textOf(error) };
}

async function suffer(world: World, { operation, fault }: Round): Promise<unknown> {
  const { host } = world;
  if ("armed" in fault) host.arm(fault.armed);
  const struck = "armed" in fault ? Promise.resolve() : strike(host, fault);
  const error = await operation.run(world).then(
    () => undefined,
    (cause: unknown) => cause,
  );
  await struck;
  if ("armed" in fault) await untilPassed(host);
  // A restart of the daemon may have replaced the one that died by now.
  if (fault.kind === "failpoint" && !host.isArmed() && !restartsDaemon(operation)) await host.awaitDeath();
  return error;
}

async function strike(host: FaultHost, { kind, afterMs }: Extract<Fault, { readonly afterMs: number }>): Promise<void> {
  await new Promise(resolve => setTimeout(resolve, afterMs)); // The moment is what is tested.
  if (kind === "stop") await host.stop();
  else await (kind === "crash" ? host.crash() : host.kill());
}

/** A container's end, for one, is worked on behind the answer to `kill`. */
async function untilPassed(host: FaultHost): Promise<void> {
  const deadlineMs = performance.now() + BEHIND_MS;
  while (host.isUp() && host.isArmed() && performance.now() < deadlineMs) await new Promise(resolve => setTimeout(resolve, 10));
}

/** Containers that restart by their policy do so soon after the daemon. */
async function untilStarted(host: FaultHost): Promise<void> {
  const deadlineMs = performance.now() + POLICY_MS;
  const path = `/containers/json?filters=${encodeURIComponent(JSON.stringify({ status: ["restarting"] }))}`;
  while ((await get<readonly unknown[]>(host.socket, path)).length > 0 && performance.now() < deadlineMs)
    await new Promise(resolve => setTimeout(resolve, 20));
}

async function restart(host: FaultHost): Promise<void> {
  await host.stop();
  await host.start();
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : JSON.stringify(error);
}

function restartsDaemon({ name }: Operation): boolean {
  return /^(restart of the daemon|upgrade)/.test(name);
}

/** A daemon that was killed answers nobody; one that was not says why it failed. */
function unexpected({ operation, fault }: Round, error: unknown): readonly string[] {
  const mayEnd = fault.kind !== "error" || restartsDaemon(operation); // It may refuse to start.
  if (error === undefined || (error instanceof Cut && mayEnd)) return [];
  if (error instanceof Refused && fault.kind === "stop") return [];
  if (error instanceof Refused && fault.kind === "error") return inDockersWords(fault.armed, error);
  if (error instanceof Refused && fault.kind === "failpoint" && error.status >= 500) return []; // It was told before it died.
  return [`unexpected: ${textOf(error)}`];
}

const WORDS = {
  ENOSPC: /no space left on device/i,
  EIO: /input\/output error/i,
  EMFILE: /too many open files/i,
};

/** The kernel's words for it, and none of ours. */
function inDockersWords({ action }: ArmedFailpoint, { message }: Refused): readonly string[] {
  if (action === "kill" || action === "hold") return [];
  return WORDS[action].test(message) && !message.includes(action) ? [] : [`not in Docker's words: ${message}`];
}

/** What failed once works the next time. */
async function again(world: World, operation: Operation, error: unknown): Promise<readonly string[]> {
  if (error === undefined) return [];
  return operation.run(world).then(
    () => [],
    (cause: unknown) => [`again: ${String(cause)}`],
  );
}
