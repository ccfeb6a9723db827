import type { Worker } from "node:worker_threads";
import { OperationError } from "../../lib/errors.ts";
import { startThread } from "../start-thread.ts";
import type { MadeNamespace, NamespaceAnswer, NamespaceOrder } from "./protocol.ts";

interface Waiting {
  readonly resolve: (made: MadeNamespace) => void;
  readonly reject: (error: Error) => void;
}

/**
 * The thread that makes network namespaces: who makes one is in it, and so cannot be a thread that others use. Started with the first one,
 * and again when it has failed.
 */
export class NamespaceMaker implements AsyncDisposable {
  readonly #waiting = new Map<number, Waiting>();
  #worker: Worker | undefined;
  #lastId = 0;

  /** @param path - Where it is pinned: a file that is made there, on which it is mounted. */
  async make(path: string): Promise<MadeNamespace> {
    const worker = (this.#worker ??= this.#start());
    const order: NamespaceOrder = { id: ++this.#lastId, path };
    return new Promise((resolve, reject) => {
      this.#waiting.set(order.id, { resolve, reject });
      worker.ref(); // As long as somebody waits for it.
      worker.postMessage(order);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    await worker?.terminate();
  }

  #start(): Worker {
    const worker = startThread(import.meta.url, { bundle: "namespaces.mjs", source: "namespace-thread.ts" });
    worker.on("message", (answer: NamespaceAnswer) => this.#onAnswer(worker, answer));
    let reason = "it ended";
    worker.on("error", error => (reason = String(error)));
    worker.on("exit", () => this.#onExit(worker, reason));
    worker.unref();
    return worker;
  }

  #onAnswer(worker: Worker, answer: NamespaceAnswer): void {
    const waiting = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    if (this.#waiting.size === 0) worker.unref();
    if (answer.made === undefined) waiting?.reject(new OperationError("internal", `network namespace: ${answer.failure}`));
    else waiting?.resolve(answer.made);
  }

  #onExit(worker: Worker, reason: string): void {
    if (this.#worker === worker) this.#worker = undefined;
    for (const { reject } of this.#waiting.values()) reject(new OperationError("internal", `network namespaces: ${reason}`));
    this.#waiting.clear();
  }
}
