import { errorMessage } from "../../lib/errors.ts";
import type { ContainerId } from "../../model/ids.ts";
import type { ContainerLog } from "../logs/container-log.ts";
import type { ContainerContext } from "./context.ts";
import { StartGate } from "./start-gate.ts";

/** How often logs are looked at. Between two looks a log may grow beyond its limit. */
const PERIOD_MS = 1000;
/** Containers looked at together. */
const AT_ONCE = 32;
/** Files compressed at once: it takes a whole core. */
const COMPRESSIONS_AT_ONCE_MAX = 1;

/** Begins a new file for every log that is full, until `signal`. */
export async function rotateLogs(context: ContainerContext, signal: AbortSignal): Promise<void> {
  const compressions = new StartGate(COMPRESSIONS_AT_ONCE_MAX);
  for (;;) {
    try {
      await context.clock.sleep(PERIOD_MS, { signal });
    } catch (error) {
      if (signal.aborted) return;
      throw error;
    }
    const running = [...context.store.entries()].flatMap(({ id, run, log }) =>
      run === undefined || log === undefined ? [] : [{ id, run, log }],
    );
    for (let start = 0; start < running.length; start += AT_ONCE) {
      const some = running.slice(start, start + AT_ONCE);
      await Promise.all(
        some.map(async ({ id, run, log }) => {
          try {
            // Only who reads live can fall behind.
            const countFile = async (file: number) => (run.hub === undefined ? undefined : run.runLog?.countFile(file));
            const isRotated = await log.rotateIfFull(rotatedPath => run.shim.rotateLog(rotatedPath), countFile);
            if (isRotated) void compressions.run(() => compress(context, { id, log }));
          } catch (error) {
            context.log.warn({ container: id, error: errorMessage(error) }, "a log could not be rotated");
          }
        }),
      );
    }
  }
}

async function compress(
  context: ContainerContext,
  { id, log }: { readonly id: ContainerId; readonly log: ContainerLog },
): Promise<void> {
  try {
    await log.compress();
  } catch (error) {
    context.log.warn({ container: id, error: errorMessage(error) }, "a log could not be compressed");
  }
}
