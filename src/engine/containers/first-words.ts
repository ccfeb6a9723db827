import type { Clock } from "../../ports/clock.ts";
import { readLog } from "../logs/read-log.ts";
import type { ContainerEntry } from "./entry.ts";

/** How long after its start a program that has printed nothing yet may be about to. */
const FIRST_WORDS_MS = 100;

/**
 * Resolves when a run that has only just begun has something in its log, or is over. Whoever starts a program and reads its log next gets what the program prints
 * first, as from Docker, whose start is answered later than the program runs.
 */
export async function firstWords(
  { run }: ContainerEntry,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<void> {
  if (run?.runLog === undefined) return;
  const leftMs = run.startedAtMonotonicMs + FIRST_WORDS_MS - clock.monotonicMs();
  if (leftMs <= 0) return;
  const { log, start } = run.runLog;
  const limit = AbortSignal.any([signal, clock.timeout(leftMs)]);
  for await (const _ of readLog(log, { from: start, isFollowing: true, signal: limit })) return;
}
