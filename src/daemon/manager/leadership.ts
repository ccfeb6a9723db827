import { setMaxListeners } from "node:events";
import { errorMessage } from "../../lib/errors.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Consensus } from "../../ports/consensus.ts";
import type { Log } from "../../ports/log.ts";

const RESTART_MS = 200;

/** Something that runs while this manager leads, in one term. It ends when `signal` is aborted. */
export type LeaderTask = (options: { readonly term: number; readonly signal: AbortSignal }) => Promise<unknown>;

/** Runs the leader's tasks in each term in which this manager leads, until `signal`. */
export async function runWhileLeading(
  consensus: Consensus,
  tasks: Readonly<Record<string, LeaderTask>>,
  options: {
    readonly log: Log;
    readonly clock: Clock;
    readonly signal: AbortSignal;
    /** Before they begin. */
    readonly onTerm: () => void;
  },
): Promise<void> {
  const { log, clock, signal, onTerm } = options;
  let led: { readonly term: number; readonly over: AbortController } | undefined;
  try {
    for await (const { role, term } of consensus.watchStatus({ signal })) {
      const leads = role === "leader";
      if (led !== undefined && (!leads || led.term !== term)) {
        log.info({ term: led.term }, "leads no more");
        led.over.abort();
        led = undefined;
      }
      if (!leads || led !== undefined) continue;
      const over = new AbortController();
      led = { term, over };
      log.info({ term }, "leads");
      onTerm();
      const termSignal = AbortSignal.any([signal, over.signal]);
      setMaxListeners(0, termSignal); // Every wait of every task listens to it.
      const running = { term, signal: termSignal, log, clock, consensus };
      for (const [name, task] of Object.entries(tasks)) void keepRunning(name, task, running);
    }
  } finally {
    led?.over.abort();
  }
}

/**
 * A task that ends while this manager still leads (its proposal was lost on the way, say) begins again from the state: all of it, what
 * earlier leaders brought into the log too. A plan made without that would make things a second time.
 */
async function keepRunning(
  name: string,
  task: LeaderTask,
  options: {
    readonly term: number;
    readonly signal: AbortSignal;
    readonly log: Log;
    readonly clock: Clock;
    readonly consensus: Consensus;
  },
): Promise<void> {
  const { term, signal, log, clock, consensus } = options;
  while (!signal.aborted) {
    try {
      await consensus.readBarrier({ signal });
      await task({ term, signal });
    } catch (error) {
      if (!signal.aborted)
        log.warn({ task: name, term, error: errorMessage(error) }, "a task of the leader ended; it begins again");
    }
    await clock.sleep(RESTART_MS, { signal }).catch(() => undefined);
  }
}
