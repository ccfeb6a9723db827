import { declareUnchecked } from "./libc.ts";

const waitpid = declareUnchecked<[pid: number, status: Int32Array, options: number]>(
  "int waitpid(int pid, _Out_ int *status, int options)",
);
const WNOHANG = 1;

const waiting = new Map<number, (exitCode: number) => void>();
const status = new Int32Array(1);

/** One wait per own child and never for any child: Node's own children are reaped by libuv, which would miss theirs. */
function reap(pid: number): void {
  if (waitpid(pid, status, WNOHANG) !== pid) return;
  const resolve = waiting.get(pid);
  waiting.delete(pid);
  resolve?.(exitCodeOf(status[0] ?? 0));
}

function exitCodeOf(waitStatus: number): number {
  const signal = waitStatus & 0x7f;
  return signal === 0 ? (waitStatus >> 8) & 0xff : 128 + signal;
}

function reapAll(): void {
  for (const pid of waiting.keys()) reap(pid);
}

let isListening = false;

/** Resolves with the exit code of a child that `posix_spawn` made. Keeps the event loop alive until then. */
export function exitOf(pid: number): Promise<number> {
  if (!isListening) {
    isListening = true;
    process.on("SIGCHLD", reapAll);
  }
  const { promise, resolve } = deferredExit();
  waiting.set(pid, resolve);
  reap(pid); // It may have ended before the listener was there.
  return promise;
}

/** Not yet reaped, so the pid cannot have been given to another process. */
export function isOwnChild(pid: number): boolean {
  return waiting.has(pid);
}

/** A signal listener alone does not keep Node running. */
const KEEP_ALIVE_MS = 0x7fffffff;

function deferredExit(): { readonly promise: Promise<number>; readonly resolve: (exitCode: number) => void } {
  let resolve: (exitCode: number) => void = () => undefined;
  const promise = new Promise<number>(settle => {
    const timer = setInterval(() => undefined, KEEP_ALIVE_MS);
    resolve = exitCode => {
      clearInterval(timer);
      settle(exitCode);
    };
  });
  return { promise, resolve };
}
