import { parentPort } from "node:worker_threads";
import { errorMessage } from "../lib/errors.ts";
import { makeNamespace } from "./namespaces/make-namespace.ts";
import type { NamespaceAnswer, NamespaceOrder } from "./namespaces/protocol.ts";

parentPort?.on("message", ({ id, path }: NamespaceOrder) => answer(carryOut(id, path)));

function carryOut(id: number, path: string): NamespaceAnswer {
  try {
    return { id, made: makeNamespace(path) };
  } catch (error) {
    return { id, failure: errorMessage(error) };
  }
}

function answer(message: NamespaceAnswer): void {
  parentPort?.postMessage(message);
}
