import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import type { Log } from "../ports/log.ts";

/** Of each kind, the last ones. */
const REPORTS_MAX = 10;
const REPORT_PERIOD_MS = 60_000;
const STALL_MS = 200;

export interface Diagnostics {
  /** Worst and 99th percentile delay of the event loop since the last report, in ms. */
  loopDelay(): { readonly maxMs: number; readonly p99Ms: number };
}

/**
 * Watches this process: event-loop delay to the log each minute, state on SIGUSR1 (which without a handler would open Node's
 * debugger port), fatal errors to `directory`. Called first of all.
 * @param dump - What SIGUSR1 writes, as JSON; holds no secrets.
 */
export function startDiagnostics({
  program,
  directory,
  log,
  dump,
}: {
  program: string;
  directory: string;
  log: Log;
  dump: () => unknown;
}): Diagnostics {
  const histogram = monitorEventLoopDelay({ resolution: 10 });
  histogram.enable();
  const loopDelay = () => ({ maxMs: toMs(histogram.max), p99Ms: toMs(histogram.percentile(99)) });
  setInterval(() => {
    const delay = loopDelay();
    if (delay.maxMs > STALL_MS) log.warn(delay, "the event loop was held up");
    else log.debug(delay, "event loop delay");
    histogram.reset();
  }, REPORT_PERIOD_MS).unref();

  process.on("SIGUSR1", () => {
    const content = { loopDelay: loopDelay(), memory: process.memoryUsage(), state: dump() };
    const path = writeReport(directory, { kind: `${program}-state`, ending: ".json", content: JSON.stringify(content, null, 2) });
    histogram.reset(); // The next one says what was worst since this one.
    log.info({ path }, "state written");
  });

  const onFatal = (error: unknown): void => {
    const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
    try {
      writeCrashReport(directory, program, stack);
      log.error({ error: stack }, "fatal");
    } finally {
      process.stderr.write(`${program}: fatal: ${stack}\n`);
      process.exit(1);
    }
  };
  process.on("uncaughtException", onFatal);
  process.on("unhandledRejection", onFatal);
  return { loopDelay };
}

function writeCrashReport(directory: string, program: string, stack: string): void {
  const content = `${new Date().toISOString()} ${program} ${process.version}\n${stack}\n`;
  writeReport(directory, { kind: `${program}-crash`, ending: ".txt", content });
}

/** Synchronously: after a crash nothing else may run. @returns its path. */
function writeReport(
  directory: string,
  { kind, ending, content }: { readonly kind: string; readonly ending: string; readonly content: string },
): string {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const path = join(directory, `${kind}-${Date.now()}${ending}`);
  writeFileSync(path, content, { mode: 0o600 });
  const reports = readdirSync(directory)
    .filter(file => file.startsWith(kind))
    .sort();
  for (const old of reports.slice(0, -REPORTS_MAX)) rmSync(join(directory, old), { force: true });
  return path;
}

function toMs(nanoseconds: number): number {
  return Math.round(nanoseconds / 1e5) / 10;
}
