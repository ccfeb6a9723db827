import { closeSync, openSync } from "node:fs";
import { CLONE_NEWNET, setns } from "./libc.ts";

/** The daemon's own network namespace, opened before anything else enters another. */
const own = openSync("/proc/thread-self/ns/net", "r");

/**
 * Runs `action` with the main thread in another network namespace. It must not wait for anything: only what is opened in this
 * one stretch belongs to the namespace. If the way back fails, every later socket would be made in a stranger's network, so the
 * process ends there and then.
 */
export function inNetworkNamespace<T>(path: string, action: () => T): T {
  const target = openSync(path, "r");
  try {
    setns(target, CLONE_NEWNET);
    try {
      return action();
    } finally {
      goBack();
    }
  } finally {
    closeSync(target);
  }
}

function goBack(): void {
  try {
    setns(own, CLONE_NEWNET);
  } catch {
    process.abort();
  }
}
