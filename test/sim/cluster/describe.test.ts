import assert from "node:assert/strict";
import { entryBytes } from "../../../src/codec/entry.ts";
import { LeaderDuties } from "../../../src/manager/dispatcher/leader-duties.ts";
import { Store } from "../../../src/manager/store/store.ts";
import type { ApplyResult } from "../../../src/manager/store/change.ts";
import type { Node, NodeDescription } from "../../../src/model/cluster.ts";
import type { Entry } from "../../../src/model/entry.ts";
import { asId, type NodeId } from "../../../src/model/ids.ts";
import type { SessionUp } from "../../../src/model/session.ts";
import { Agent } from "../../../src/worker/agent.ts";
import { SeededRandom } from "../seeded-random.ts";
import { settle, simulatedClock, VirtualTime } from "../virtual-time.ts";
import { MemoryTaskDb } from "./memory-task-db.ts";
import { silentLog } from "./simulated-cluster.ts";
import { SimulatedExecutor } from "./simulated-executor.ts";

const NODE = asId<NodeId>("a-node");

function described(hostname: string): NodeDescription {
  return {
    hostname,
    platform: { architecture: "x86_64", os: "linux" },
    resources: { nanoCpus: 1e9, memoryBytes: 1e9 },
    engine: { version: "1", labels: {}, plugins: [] },
  };
}

describe("what a simulated node says of itself", () => {
  const time = new VirtualTime();
  const clock = simulatedClock(time);

  async function advance(ms: number): Promise<void> {
    await settle();
    await time.runUntil(time.nowMs + ms);
    await settle();
  }

  it("is kept as it was said last, also when an earlier report takes longer to be written", async () => {
    const store = new Store();
    let writeMs = 0;
    const propose = async (entry: Omit<Entry, "atMs">): Promise<ApplyResult> => {
      const tookMs = writeMs;
      writeMs = 1;
      await clock.sleep(tookMs);
      return store.apply({ index: store.view().index + 1, term: 1, data: entryBytes.encode({ ...entry, atMs: 1 }) });
    };
    const meta = { id: NODE, version: 0, createdAtMs: 0, updatedAtMs: 0, role: "worker" } as const;
    const status = { state: "ready", message: "", address: "192.0.2.1" } as const;
    const object: Node = { ...meta, spec: { labels: {}, role: "worker", availability: "active" }, status };
    const added = propose({ changes: [{ kind: "put", table: "node", object, basedOn: 0 }], reliesOn: [] });
    await advance(1);
    await added;
    const view = () => store.view();
    const reaches = async () => false;
    const duties = new LeaderDuties({
      ...{ view, propose, clock, log: silentLog, beatPeriodMs: 1_000, reaches },
      readBarrier: async () => {},
    });
    const over = new AbortController();
    const running = duties.run({ signal: over.signal }).catch(() => undefined);
    writeMs = 50;
    const reports = ["old", "new"].map(name => duties.describeNode({ nodeId: NODE, description: described(name), address: "" }));
    await advance(200);
    await Promise.all(reports);
    assert.equal(view().get("node", NODE)?.description?.hostname, "new");
    over.abort();
    await advance(300);
    await running;
  });

  it("is said again when it changes just before a session begins", async () => {
    let hostname = "old";
    const said: string[] = [];
    const over = new AbortController();
    const listen = async (up: AsyncIterable<SessionUp>) => {
      for await (const message of up) if (message.kind === "hello") said.push(message.description.hostname);
    };
    const agent = new Agent({
      executor: new SimulatedExecutor(clock),
      db: new MemoryTaskDb(),
      ...{ clock, random: new SeededRandom(1), log: silentLog },
      managers: () => ["manager"],
      onManagers: () => {},
      onAuthority: () => {},
      describe: async () => {
        const description = described(hostname);
        await clock.sleep(50);
        return { description, address: "192.0.2.1" };
      },
      // oxlint-disable-next-line require-yield -- This manager has nothing to say.
      openSession: async function* (_address, { up, signal }) {
        void listen(up);
        await clock.sleep(1e9, { signal });
      },
    });
    const running = agent.run({ signal: over.signal }).catch(() => undefined);
    await advance(30); // It is being described.
    hostname = "new";
    const again = agent.describeAgain();
    await advance(500);
    await again;
    assert.equal(said.at(-1), "new");
    over.abort();
    await advance(2_000);
    await running;
  });
});
