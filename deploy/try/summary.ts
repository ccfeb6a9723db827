/** One line of the load generator's log. Failed: `error` says why. */
export interface RequestRecord {
  /** Wall time at which it was sent. */
  readonly atMs: number;
  readonly target: string;
  readonly ms: number;
  /** The client's own: what a host remembers a connection by. */
  readonly port?: number;
  readonly version?: string;
  readonly task?: string;
  readonly error?: string;
}

export interface Phase {
  readonly name: string;
  readonly fromMs: number;
  readonly toMs: number;
}

export interface PhaseSummary {
  readonly name: string;
  readonly requests: number;
  readonly failed: number;
  readonly versions: readonly string[];
  readonly tasks: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** When the failed ones were sent, in ms after the phase began. */
  readonly failedAfterMs: readonly number[];
}

/** @throws Error on a line that is no record: a log that cannot be trusted is no evidence. */
export function parseLog(text: string): readonly RequestRecord[] {
  return text
    .split("\n")
    .filter(Boolean)
    .map(line => {
      const record = JSON.parse(line) as RequestRecord;
      if (typeof record.atMs !== "number" || typeof record.target !== "string") throw new Error(`not a record: ${line}`);
      return record;
    });
}

/** What happened to the requests sent in a phase, those to `ignoredTarget` (a host that is known to be dead) left out. */
export function summarize(records: readonly RequestRecord[], phase: Phase, ignoredTarget?: string): PhaseSummary {
  const inPhase = records.filter(({ atMs, target }) => atMs >= phase.fromMs && atMs < phase.toMs && target !== ignoredTarget);
  const failed = inPhase.filter(({ error }) => error !== undefined);
  const times = inPhase.map(({ ms }) => ms).sort((a, b) => a - b);
  const quantile = (share: number) => times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0;
  return {
    name: phase.name,
    requests: inPhase.length,
    failed: failed.length,
    versions: [...new Set(inPhase.flatMap(({ version }) => (version === undefined ? [] : [version])))].sort(),
    tasks: new Set(inPhase.flatMap(({ task }) => (task === undefined ? [] : [task]))).size,
    p50Ms: quantile(0.5),
    p99Ms: quantile(0.99),
    failedAfterMs: failed.map(({ atMs }) => atMs - phase.fromMs).sort((a, b) => a - b),
  };
}
