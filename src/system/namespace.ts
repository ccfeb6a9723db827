import { closeSync, openSync } from "node:fs";
import { CLONE_NEWNET, declareUnchecked, setns } from "./libc.ts";

/** Ends the whole process, from any of its threads: Node's own is for the main thread alone. */
const abort = declareUnchecked<[]>("void abort()");

/** The daemon's own network namespace, opened before anything else enters another. */
const own = openSync("/proc/thread-self/ns/net", "r");

/**
 * Runs `action` with this thread in another network namespace. It must not wait for anything: only what is opened in this
 * one stretch belongs to the namespace. If the way back fails, every later socket would be made in a stranger's network, so the
 * process ends there and then.
 */
export function inNetworkNamespace<T>(path: string, action: () => T): T {
  const target = openSync(path, "r");
  try {
    return away(() => setns(target, CLONE_NEWNET), action);
  } finally {
    closeSync(target);
  }
}

/** As `inNetworkNamespace`, after `leave` has taken the thread to another one. */
export function away<T>(leave: () => void, action: () => T): T {
  leave();
  try {
    return action();
  } finally {
    goBack();
  }
}

function goBack(): void {
  try {
    setns(own, CLONE_NEWNET);
  } catch {
    abort();
  }
}
