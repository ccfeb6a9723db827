import type { Worker } from "node:worker_threads";
import { errorMessage, OperationError } from "../../lib/errors.ts";
import { duplicateFd } from "../libc.ts";
import { startThread } from "../start-thread.ts";
import type { Destination, ForwarderAnswer, ForwarderOrder } from "./protocol.ts";

interface Waiting {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

interface Forwarded {
  readonly protocol: "tcp" | "udp";
  readonly fd: number;
  readonly destination: Destination;
}

/** The thread that forwards ports, started when the first is asked for. When it fails it is started again with what it had. */
export class PortForwarder implements AsyncDisposable {
  readonly #forwarded = new Map<number, Forwarded>();
  readonly #waiting = new Map<number, Waiting>();
  #worker: Worker | undefined;
  #lastId = 0;

  /**
   * @param port.fd - Stays the caller's: bound, and with TCP listening.
   * @returns what ends it, and all connections with it.
   */
  async forward(port: Forwarded): Promise<AsyncDisposable> {
    const id = ++this.#lastId;
    this.#forwarded.set(id, port);
    try {
      await this.#open(id, port);
    } catch (error) {
      this.#forwarded.delete(id);
      throw error;
    }
    return {
      [Symbol.asyncDispose]: async () => {
        if (this.#forwarded.delete(id)) await this.#order({ kind: "close", id });
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    await worker?.terminate();
  }

  #open(id: number, { protocol, fd, destination }: Forwarded): Promise<void> {
    return this.#order({ kind: "open", id, protocol, fd: duplicateFd(fd), destination });
  }

  /** Orders are carried out and answered one by one as to each port: it is opened before it is closed. */
  async #order(order: ForwarderOrder): Promise<void> {
    const worker = (this.#worker ??= this.#start());
    await new Promise<void>((resolve, reject) => {
      this.#waiting.set(order.id, { resolve, reject });
      worker.postMessage(order);
    });
  }

  #start(): Worker {
    const worker = startThread(import.meta.url, { bundle: "port-forwarder.mjs", source: "port-forwarder-thread.ts" });
    worker.on("message", ({ id, failure }: ForwarderAnswer) => {
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (failure === undefined) waiting?.resolve();
      else waiting?.reject(new OperationError("internal", `port forwarder: ${failure}`));
    });
    let reason = "it ended";
    worker.on("error", error => (reason = String(error)));
    worker.on("exit", () => this.#onExit(worker, reason));
    worker.unref();
    return worker;
  }

  /** The sockets it had are gone with it, and the caller's are still there. */
  #onExit(worker: Worker, reason: string): void {
    if (this.#worker !== worker) return;
    this.#worker = undefined;
    const failed = new Set(this.#waiting.keys());
    for (const { reject } of this.#waiting.values()) reject(new OperationError("internal", `port forwarder: ${reason}`));
    this.#waiting.clear();
    const say = (error: unknown) => process.emitWarning(`a published port is not forwarded: ${errorMessage(error)}`);
    for (const [id, port] of this.#forwarded) if (!failed.has(id)) this.#open(id, port).catch(say);
  }
}
