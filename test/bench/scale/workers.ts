// Many workers in one process: real agents and real sessions, containers that only sleep.
import type { AssignedTask } from "../../../src/model/session.ts";
import type { Log } from "../../../src/ports/log.ts";
import { openSession } from "../../../src/rpc/session-client.ts";
import { systemClock } from "../../../src/system/clock.ts";
import { systemRandom } from "../../../src/system/random.ts";
import { Agent } from "../../../src/worker/agent.ts";
import type { TaskDb, TaskRecord } from "../../../src/worker/task-db.ts";
import { SimulatedExecutor } from "../../sim/cluster/simulated-executor.ts";
import { answer } from "./child.ts";
import type { SimulatedWorker, WorkerCall, WorkerFigures } from "./protocol.ts";

/** Sessions are opened a few at a time, as machines start: so many handshakes at once would only hold each other up. */
const CONNECTING_MAX = 16;
const LOOK_MS = 5;
const quiet: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

let started = 0;
const executors: CountingExecutor[] = [];
const connected = new Set<string>();

class CountingExecutor extends SimulatedExecutor {
  override async start(task: AssignedTask, options: { readonly signal: AbortSignal }) {
    started++;
    return await super.start(task, options);
  }

  /** What it was told is not kept: 2,000 workers are in one process here. */
  override async applyNetwork(): Promise<void> {}
}

class MemoryTaskDb implements TaskDb {
  readonly #records = new Map<string, TaskRecord>();
  async load(): Promise<readonly TaskRecord[]> {
    return [...this.#records.values()];
  }
  async put(record: TaskRecord): Promise<void> {
    this.#records.set(record.task.task.id, record);
  }
  async remove(id: string): Promise<void> {
    this.#records.delete(id);
  }
}

answer<WorkerCall>(async call => {
  if (call.kind === "start") await start(call);
  const running = executors.reduce((sum, executor) => sum + executor.running().length, 0);
  return { started, running, sessions: connected.size } satisfies WorkerFigures;
});

async function start({ workers, managers, startMs }: Extract<WorkerCall, { kind: "start" }>): Promise<void> {
  for (const worker of workers) {
    while (executors.length - connected.size >= CONNECTING_MAX) await systemClock.sleep(LOOK_MS);
    run(worker, { managers, startMs });
  }
}

function run(
  worker: SimulatedWorker,
  { managers, startMs }: { readonly managers: readonly string[]; readonly startMs: number },
): void {
  const { nodeId, identity, description, address } = worker;
  const executor = new CountingExecutor(systemClock);
  executor.startMs = startMs;
  executors.push(executor);
  let known = managers;
  const agent = new Agent({
    ...{ executor, db: new MemoryTaskDb(), clock: systemClock, random: systemRandom, log: quiet },
    managers: () => known,
    onManagers: ({ addresses }) => {
      known = addresses;
    },
    onAuthority: () => {},
    describe: async () => ({ description, address }),
    openSession: async function* (manager, session) {
      try {
        for await (const message of openSession({ address: manager, identity, clock: systemClock, ...session })) {
          connected.add(nodeId);
          yield message;
        }
      } finally {
        connected.delete(nodeId);
      }
    },
  });
  agent.run({ signal: new AbortController().signal }).catch((error: unknown) => {
    throw error;
  });
}
