import assert from "node:assert/strict";
import { OperationError } from "../../../src/lib/errors.ts";
import type { SimulatedCluster } from "./cluster.ts";
import type { Host } from "./host.ts";

/** Proposes and reads all the while, and holds the managers to what they answered. */
export class Clients {
  readonly #cluster: SimulatedCluster;
  readonly #acknowledged: { readonly index: number; readonly text: string }[] = [];
  readonly #refused: string[] = [];
  #highestAcknowledged = 0;
  #nextId = 1;
  readCount = 0;

  constructor(cluster: SimulatedCluster) {
    this.#cluster = cluster;
  }

  get acknowledgedCount(): number {
    return this.#acknowledged.length;
  }

  propose({ process, raftId }: Host): void {
    if (process?.driver === undefined) return;
    const text = `${this.#nextId++}:${"x".repeat(this.#cluster.random.below(this.#cluster.random.chance(0.05) ? 900 : 40))}`;
    process.driver.propose(Buffer.from(text)).then(
      index => {
        assert.ok(typeof index === "number");
        this.#cluster.trace(`${raftId} acknowledges ${index}`);
        this.#acknowledged.push({ index, text });
        this.#highestAcknowledged = Math.max(this.#highestAcknowledged, index);
      },
      (error: unknown) => {
        if (!(error instanceof OperationError)) this.#cluster.fail(error);
        else if (error.message === "this manager is not the leader") this.#refused.push(text);
      },
    );
  }

  /** A read must see everything that was acknowledged before it began, wherever it is asked. */
  read({ process, raftId }: Host): void {
    if (process?.driver === undefined) return;
    const atLeast = this.#highestAcknowledged;
    process.driver.readBarrier().then(
      () => {
        this.readCount += 1;
        const { index } = process.machine;
        if (index >= atLeast) return;
        this.#cluster.fail(new Error(`stale read: manager ${raftId} answered from ${index}, ${atLeast} was acknowledged before`));
      },
      (error: unknown) => {
        if (!(error instanceof OperationError)) this.#cluster.fail(error);
      },
    );
  }

  /** At the end: what was acknowledged is there, what was refused is not. */
  check(): void {
    const { ledger } = this.#cluster;
    for (const { index, text } of this.#acknowledged) {
      assert.equal(ledger.textAt(index), text, `the acknowledged entry ${index} is lost`);
    }
    for (const text of this.#refused) assert.ok(!ledger.holds(text), `${text} was refused and applied`);
  }
}
