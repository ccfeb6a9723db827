import { errorMessage } from "../../lib/errors.ts";
import type { ClusterEvent } from "../../model/cluster-event.ts";
import type { EventLog } from "../../engine/events/event-log.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";

/** Before a manager process that ended is listened to again. */
const RETRY_MS = 100;

interface ClusterEventsOptions {
  readonly source: { events(options: { readonly signal: AbortSignal }): AsyncIterable<ClusterEvent> };
  readonly events: Pick<EventLog, "publish">;
  readonly clock: Clock;
  readonly log: Log;
}

/** Tells this host's listeners what its manager tells of the cluster, for as long as there is one. */
export class ClusterEvents implements AsyncDisposable {
  readonly #over = new AbortController();
  readonly #running: Promise<void>;

  constructor(options: ClusterEventsOptions) {
    this.#running = run(options, this.#over.signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over.abort();
    await this.#running;
  }
}

async function run({ source, events, clock, log }: ClusterEventsOptions, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      for await (const { type, action, id, attributes } of source.events({ signal })) {
        events.publish({ type, action, actorId: id, attributes, scope: "swarm" });
      }
    } catch (error) {
      if (!signal.aborted) log.debug({ error: errorMessage(error) }, "the manager's events ended and are asked for again");
    }
    await clock.sleep(RETRY_MS, { signal }).catch(() => undefined);
  }
}
