import { errorMessage } from "../../lib/errors.ts";
import type { ContainerLog } from "../logs/container-log.ts";
import { type LogLook, nextLookMs } from "../logs/log-look.ts";
import type { ContainerContext } from "./context.ts";
import type { ContainerEntry } from "./entry.ts";
import { Gate } from "../../lib/gate.ts";

/** How often logs are looked at that do not grow fast. */
const PERIOD_MS = 1000;
/** Containers looked at together. */
const AT_ONCE = 32;
/** Files compressed at once: it takes a whole core. */
const COMPRESSIONS_AT_ONCE_MAX = 1;

/** Begins a new file for every log that is full, until `signal`. One that grows fast is looked at more often. */
export async function rotateLogs(context: ContainerContext, signal: AbortSignal): Promise<void> {
  const { clock } = context;
  const compressions = new Gate(COMPRESSIONS_AT_ONCE_MAX);
  const looks = new WeakMap<ContainerLog, LogLook>();
  const dueAtMs = (log: ContainerLog) => looks.get(log)?.dueAtMs ?? 0;
  for (let pauseMs = PERIOD_MS; ; ) {
    try {
      await clock.sleep(pauseMs, { signal });
    } catch (error) {
      if (signal.aborted) return;
      throw error;
    }
    const running = [...context.store.entries()].flatMap(entry => (hasGrowingLog(entry) ? [entry] : []));
    const due = running.filter(({ log }) => dueAtMs(log) <= clock.monotonicMs());
    for (let start = 0; start < due.length; start += AT_ONCE) {
      await Promise.all(
        due.slice(start, start + AT_ONCE).map(async entry => {
          const bytes = await rotate(context, { entry, compressions });
          if (bytes !== undefined) looks.set(entry.log, nextLook(entry.log, { bytes, atMs: clock.monotonicMs(), looks }));
        }),
      );
    }
    const nextMs = Math.min(...running.map(({ log }) => dueAtMs(log))) - clock.monotonicMs();
    pauseMs = Math.max(0, Math.min(PERIOD_MS, nextMs));
  }
}

type GrowingEntry = ContainerEntry & { readonly log: ContainerLog; readonly run: NonNullable<ContainerEntry["run"]> };

function hasGrowingLog(entry: ContainerEntry): entry is GrowingEntry {
  return entry.run !== undefined && entry.log !== undefined;
}

function nextLook(
  log: ContainerLog,
  { bytes, atMs, looks }: { readonly bytes: number; readonly atMs: number; readonly looks: WeakMap<ContainerLog, LogLook> },
): LogLook {
  const waitMs = nextLookMs({ bytes, bytesMax: log.fileBytesMax, atMs, last: looks.get(log), msMax: PERIOD_MS });
  return { bytes, atMs, dueAtMs: atMs + waitMs };
}

/** @returns the size that was found; `undefined` when it cannot be known. */
async function rotate(
  context: ContainerContext,
  { entry, compressions }: { readonly entry: GrowingEntry; readonly compressions: Gate },
): Promise<number | undefined> {
  const { id, run, log } = entry;
  try {
    // Only who reads live can fall behind.
    const countFile = async (file: number) => (run.hub === undefined ? undefined : run.runLog?.countFile(file));
    const { bytes, isRotated } = await log.rotateIfFull(rotatedPath => run.shim.rotateLog(rotatedPath), countFile);
    if (isRotated) void compressions.run(() => compress(context, entry));
    return bytes;
  } catch (error) {
    context.log.warn({ container: id, error: errorMessage(error) }, "a log could not be rotated");
    return undefined;
  }
}

async function compress(context: ContainerContext, { id, log }: GrowingEntry): Promise<void> {
  try {
    await log.compress();
  } catch (error) {
    context.log.warn({ container: id, error: errorMessage(error) }, "a log could not be compressed");
  }
}
