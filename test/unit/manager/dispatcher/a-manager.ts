import assert from "node:assert/strict";
import { entryBytes } from "../../../../src/codec/entry.ts";
import { OperationError } from "../../../../src/lib/errors.ts";
import { asId } from "../../../../src/model/ids.ts";
import type { NodeId, SessionId } from "../../../../src/model/ids.ts";
import type { Cluster, Node, NodeRole } from "../../../../src/model/cluster.ts";
import type { SessionDown, SessionUp } from "../../../../src/model/session.ts";
import { Dispatcher } from "../../../../src/manager/dispatcher/dispatcher.ts";
import type { NodeReport, SessionReport, StatusReport } from "../../../../src/manager/dispatcher/leader-calls.ts";
import type { Change } from "../../../../src/manager/store/change.ts";
import { Store } from "../../../../src/manager/store/store.ts";
import { settle, simulatedClock, VirtualTime } from "../../../sim/virtual-time.ts";
import { aNode } from "../../scheduler/fixtures.ts";

export const DESCRIPTION = aNode().description ?? assert.fail();
export const HELLO: SessionUp = { kind: "hello", description: DESCRIPTION, address: "" };

/** What a worker sends, as it sends it. */
export class Uplink implements AsyncIterable<SessionUp> {
  readonly #sent: SessionUp[] = [];
  #isOver = false;
  #wake: () => void = () => {};

  push(message: SessionUp): void {
    this.#sent.push(message);
    this.#wake();
  }

  end(): void {
    this.#isOver = true;
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<SessionUp> {
    for (;;) {
      yield* this.#sent.splice(0);
      if (this.#isOver) return;
      await new Promise<void>(resolve => (this.#wake = resolve));
    }
  }
}

/** What one worker hears, and how its session ended. */
export interface Held {
  readonly down: SessionDown[];
  readonly up: Uplink;
  readonly stop: AbortController;
  end: string | undefined;
}

/** One manager's dispatcher, before a leader that answers as the test says. */
export class Manager {
  readonly store = new Store();
  readonly time = new VirtualTime();
  readonly stop = new AbortController();
  readonly warnings: string[] = [];
  readonly statuses: StatusReport[] = [];
  readonly nodes: NodeReport[] = [];
  readonly sessions: (SessionReport & { readonly atMs: number })[] = [];
  /** What the leader says to reports of tasks and nodes. */
  failure: Error | undefined;
  hasLeader = true;
  /** Asked for so far. */
  barriers = 0;
  fenced: readonly SessionId[] = [];
  readonly #dispatcher: Dispatcher;
  readonly #ended: Promise<unknown>;
  #opened = 0;

  constructor() {
    const clock = simulatedClock(this.time);
    const log = {
      debug: () => {},
      info: () => {},
      warn: (_: unknown, message: string) => void this.warnings.push(message),
      error: () => {},
    };
    this.#dispatcher = new Dispatcher({
      ...{ store: this.store, clock, log, managerId: asId("m1"), beatPeriodMs: 1_000 },
      newSessionId: () => asId(`session${++this.#opened}`),
      readBarrier: async () => {
        this.barriers++;
        if (!this.hasLeader) throw new OperationError("unavailable", "no leader");
      },
      leader: {
        writeStatuses: async report => this.#answer(() => this.statuses.push(report)),
        describeNode: async report => this.#answer(() => this.nodes.push(report)),
        reportSessions: async report => {
          if (!this.hasLeader) throw new OperationError("unavailable", "no leader");
          this.sessions.push({ ...report, atMs: this.time.nowMs });
          return { fenced: this.fenced };
        },
      },
    });
    for (const id of ["m1", "w1", "w2"]) this.putNode(id, { role: id === "m1" ? "manager" : "worker" });
    this.#ended = this.#dispatcher.run({ signal: this.stop.signal }).catch((error: unknown) => error);
  }

  #answer(take: () => void): void {
    if (this.failure !== undefined) throw this.failure;
    take();
  }

  apply(changes: readonly Change[]): void {
    const data = entryBytes.encode({ changes, reliesOn: [], atMs: 1 });
    assert.equal(this.store.apply({ index: this.store.view().index + 1, term: 1, data }).kind, "applied");
  }

  putNode(id: string, more: Partial<Node> = {}): void {
    const known = this.store.view().get("node", asId(id)) ?? { ...aNode({ id }), version: 0 };
    const manager = more.role === "manager" ? { manager: { raftId: 1, address: `${id}:2377` } } : {};
    const object: Node = { ...known, ...manager, ...more };
    this.apply([{ kind: "put", table: "node", object, basedOn: known.version }]);
  }

  putCluster(more: Partial<Cluster["rootCa"]>): void {
    const [known] = this.store.view().all("cluster");
    const meta = { id: asId<Cluster["id"]>("cluster"), version: 0, createdAtMs: 0, updatedAtMs: 0 };
    const spec = {
      name: "default",
      labels: {},
      taskHistoryLimit: 5,
      heartbeatPeriodNs: 1e9,
      nodeCertExpiryNs: 0,
      forceRotate: 0,
    };
    const raft = { autoLockManagers: false, snapshotInterval: 1, logEntriesForSlowFollowers: 1 };
    const rootCa = { certificatePem: "root", keyPem: "", joinTokenWorker: "", joinTokenManager: "", ...more };
    const plain = { ...meta, spec: { ...spec, ...raft }, defaultAddressPool: [], subnetSize: 24, dataPathPort: 4789 };
    const object: Cluster = { ...(known ?? plain), rootCa };
    this.apply([{ kind: "put", table: "cluster", object, basedOn: object.version }]);
  }

  session(nodeId: string, up: Uplink): AsyncGenerator<SessionDown, void, undefined> {
    return this.#dispatcher.session({ nodeId: asId(nodeId) }, up, { signal: new AbortController().signal });
  }

  open(nodeId: string, { role, remoteAddress }: { readonly role?: NodeRole; readonly remoteAddress?: string } = {}): Held {
    const [up, stop] = [new Uplink(), new AbortController()];
    const who = {
      nodeId: asId<NodeId>(nodeId),
      ...(role !== undefined && { role }),
      ...(remoteAddress !== undefined && { remoteAddress }),
    };
    const listening = this.#dispatcher.session(who, up, { signal: stop.signal });
    const held: Held = { down: [], up, stop, end: undefined };
    void (async () => {
      try {
        for await (const message of listening) held.down.push(message);
        held.end = "it ended";
      } catch (error) {
        held.end = error instanceof OperationError ? `${error.kind}: ${error.message}` : String(error);
      }
    })();
    return held;
  }

  async pass(ms: number): Promise<void> {
    await settle();
    await this.time.runUntil(this.time.nowMs + ms);
    await settle();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stop.abort(new Error("the manager stops"));
    await this.pass(10);
    await this.#ended;
  }
}

export const kinds = ({ down }: Held): readonly string[] => down.map(({ kind }) => kind);
/** What came since it was last asked. */
export const news = (held: Held): readonly SessionDown[] => held.down.splice(0);
