import { createWriteStream, type WriteStream } from "node:fs";
import type { ObjectInput, ObjectOutput } from "../sim/linearizability/cluster-objects.ts";

/** One call of a client: times in ms of this process's monotonic clock. Without an output the client was never told. */
export interface RecordedCall {
  readonly client: string;
  readonly calledAt: number;
  readonly returnedAt: number;
  readonly input: ObjectInput;
  readonly output?: ObjectOutput;
}

/** What all clients asked and were answered, also as JSON lines in a file, so that a run can be judged again. */
export class History {
  readonly calls: RecordedCall[] = [];
  readonly #file: WriteStream;

  constructor(path: string) {
    this.#file = createWriteStream(path);
  }

  add(call: RecordedCall): void {
    this.calls.push(call);
    this.#file.write(`${JSON.stringify(call)}\n`);
  }

  async close(): Promise<void> {
    await new Promise<void>(resolve => this.#file.end(() => resolve()));
  }
}
