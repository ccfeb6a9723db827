import { readFile } from "node:fs/promises";

const POLL_MS = 1;
const WAIT_MS_MAX = 500;
/** A connection that its listener has not taken yet has no inode. conmon names its socket by an open folder, so they all end alike. */
const PENDING = /^\S+ \S+ \S+ \S+ \S+ \S+ +0 \S*\/attach$/m;

/**
 * Waits until conmon has taken the attach connections made to it. What a container prints before that reaches nobody: on a busy machine
 * a program of a few milliseconds is over before conmon looks at its socket.
 */
export async function attachAccepted(readSockets: () => Promise<string> = readUnixSockets): Promise<void> {
  for (let waitedMs = 0; waitedMs < WAIT_MS_MAX; waitedMs += POLL_MS) {
    if (!PENDING.test(await readSockets())) return;
    await new Promise(resolve => setTimeout(resolve, POLL_MS));
  }
}

/** Of this process's network namespace, where conmons are too. @see unix(7), proc(5). */
function readUnixSockets(): Promise<string> {
  return readFile("/proc/net/unix", "utf8");
}
