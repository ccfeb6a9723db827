// Chaos on real processes: hosts are killed, crashed, paused, cut off, their disks fill and stall and their clocks step, while users work.
import { fork } from "node:child_process";
import { randomBytes } from "node:crypto";
import { removeLab } from "./clean-up.ts";
import { keepLogs } from "./keep-logs.ts";
import { chaosOptions } from "./options.ts";
import { type Summary, summaryText } from "./summary.ts";

/** For what comes before and after the faults: a run that takes longer hangs. */
const REST_MS = 6 * 60_000;

const { forMs, seed, managers, workers, kinds, skipped } = chaosOptions();
const startMs = performance.now();
const lab = `chaos-${randomBytes(3).toString("hex")}`;
console.log(`seed ${seed}, ${forMs / 60_000} min, faults: ${kinds.join(", ")}`);
for (const kind of skipped) console.log(`skipped: ${kind}: libfaketime is not there`);

const played = await play();
const tookMs = performance.now() - startMs;
const summary: Summary = typeof played === "string" ? { seed, tookMs, faults: {}, findings: [played] } : played;
if (typeof played === "string")
  await keepLogs(lab, { seed }).catch((error: unknown) => console.log(`no logs were kept: ${String(error)}`));
const left = await removeLab(lab).catch((error: unknown) => [String(error)]);
const findings = [...summary.findings, ...left.map(what => `left behind: ${what}`)];
console.log(summaryText({ ...summary, skipped, findings }));
process.exitCode = findings.length > 0 ? 1 : 0;

/** @returns how the run went, or why that is not known. */
async function play(): Promise<Summary | string> {
  const options = {
    minutes: forMs / 60_000,
    seed,
    managers,
    workers,
    only: kinds.join(),
  };
  const args = Object.entries(options).map(([name, value]) => `--${name}=${value}`);
  // In a process group of its own: an interrupt from the terminal is for this process, which then ends the whole group.
  const player = fork(new URL("play.ts", import.meta.url), [lab, ...args], { detached: true });
  let summary: Summary | undefined;
  let reason: string | undefined;
  const end = (why: string): void => {
    reason ??= why;
    if (player.pid !== undefined) process.kill(-player.pid, "SIGKILL");
  };
  const limit = setTimeout(() => end("the run hung"), forMs + REST_MS);
  const onSignal = (signal: NodeJS.Signals): void => end(`ended by ${signal}`);
  process.once("SIGINT", onSignal).once("SIGTERM", onSignal).once("SIGHUP", onSignal);
  player.once("message", message => (summary = message as Summary));
  const code = await new Promise<number | null>(resolve => player.once("exit", resolve).once("error", () => resolve(null)));
  clearTimeout(limit);
  if (reason !== undefined) return reason;
  return summary ?? `the run ended without a summary, with ${code}`;
}
