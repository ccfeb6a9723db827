import { parentPort } from "node:worker_threads";
import { errorMessage } from "../lib/errors.ts";
import type { ForwarderAnswer, ForwarderOrder } from "./port-forwarding/protocol.ts";
import { forwardTcp } from "./port-forwarding/tcp-forwarder.ts";
import { forwardUdp } from "./port-forwarding/udp-forwarder.ts";

/** Carries connections with an event loop of its own: the daemon's has other work, and this one may be busy. */
const open = new Map<number, Promise<AsyncDisposable>>();

parentPort?.on("message", (order: ForwarderOrder) => {
  const { id } = order;
  carryOut(order).then(
    () => answer({ id }),
    (error: unknown) => answer({ id, failure: errorMessage(error) }),
  );
});

function answer(message: ForwarderAnswer): void {
  parentPort?.postMessage(message);
}

async function carryOut(order: ForwarderOrder): Promise<void> {
  if (order.kind === "open") {
    const opened = order.protocol === "tcp" ? forwardTcp(order) : forwardUdp(order);
    open.set(order.id, opened);
    await opened;
    return;
  }
  const opened = open.get(order.id);
  open.delete(order.id);
  await (await opened)?.[Symbol.asyncDispose]();
}
