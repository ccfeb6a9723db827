import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";

export interface ThreadProgram {
  /** The bundle's file, beside that of the caller. */
  readonly bundle: string;
  /** Beside this file. */
  readonly source: string;
}

/** Files are handed from thread to thread: the end of one closes none. */
const OPTIONS = { trackUnmanagedFds: false } as const;

/**
 * From a bundle: the bundle beside it. From sources: the source, with the loader, which a thread has to be told of by itself.
 * @param moduleUrl - Of the caller: a bundle, or a source of a folder in this one.
 */
export function startThread(moduleUrl: string, { bundle, source }: ThreadProgram): Worker {
  if (!moduleUrl.endsWith(".ts")) return new Worker(fileURLToPath(new URL(`./${bundle}`, moduleUrl)), OPTIONS);
  const loader = JSON.stringify(createRequire(moduleUrl).resolve("tsx/cjs/api"));
  const file = JSON.stringify(fileURLToPath(new URL(`../${source}`, moduleUrl)));
  return new Worker(`require(${loader}).register(); require(${file});`, { ...OPTIONS, eval: true, execArgv: [] });
}
