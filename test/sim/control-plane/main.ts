// Lives of simulated clusters, many of them: npm run simulate -- [--seeds 2000] [--from 1] [--processes 2] [--bail]
import { type ChildProcess, fork } from "node:child_process";
import { parsed, refuse } from "../../command-line.ts";
import { simulate, type SimulationResult } from "./simulation.ts";

/** Lives that one process plays: what listened in a life that is over is held by its signals, some 5 MB. */
const SLICE = 100;

/** What a child tells of one seed. */
type Report = { readonly seed: number } & ({ readonly result: SimulationResult } | { readonly failure: string });

const { values } = parsed({
  options: {
    seeds: { type: "string", default: "2000" },
    from: { type: "string", default: "1" },
    processes: { type: "string", default: "2" },
    /** The first that is wrong ends it. */
    bail: { type: "boolean", default: false },
    /** Of a child: it plays them itself. */
    plays: { type: "boolean", default: false },
  },
});
const [count, from, processes] = [counted("seeds"), counted("from"), counted("processes")];

function counted(option: "seeds" | "from" | "processes"): number {
  const value = Number(values[option]);
  if (Number.isSafeInteger(value) && value > 0) return value;
  refuse(`--${option} is a number above 0, not ${values[option]}`);
}

async function play(): Promise<void> {
  for (let seed = from; seed < from + count; seed++) {
    const report = await simulate(seed).then(
      (result): Report => ({ seed, result }),
      (error: unknown): Report => ({ seed, failure: error instanceof Error ? error.message : String(error) }),
    );
    await new Promise<void>(resolve => process.send?.(report, () => resolve()));
    if (values.bail && "failure" in report) return;
  }
}

async function runAll(): Promise<void> {
  const startMs = performance.now();
  const failures: { readonly seed: number; readonly failure: string }[] = [];
  const results: SimulationResult[] = [];
  const note = (report: Report) => {
    if ("result" in report) results.push(report.result);
    else {
      failures.push(report);
      console.log(
        `seed ${report.seed} failed: ${report.failure}\n  replay: SEED=${report.seed} TRACE=1 npx mocha -g SEED= test/sim/control-plane/control-plane.test.ts`,
      );
    }
    const done = results.length + failures.length;
    if (done % 100 === 0) console.log(`${done} of ${count}, ${failures.length} failed`);
  };
  const codes: (number | null)[] = [];
  let next = from;
  const work = async (): Promise<void> => {
    while (next < from + count && !(values.bail && failures.length > 0)) {
      const slice = { first: next, lives: Math.min(SLICE, from + count - next) };
      next += slice.lives;
      codes.push(await watched(fork(process.argv[1] ?? "", argsOf(slice)), note));
    }
  };
  await Promise.all(Array.from({ length: processes }, work));
  const sum = (of: (result: SimulationResult) => number) => results.reduce((total, result) => total + of(result), 0);
  const slowest = Math.max(0, ...results.map(({ settledAfterMs }) => settledAfterMs));
  console.log(
    `${results.length} lives were right, ${failures.length} wrong: ${sum(({ entryCount }) => entryCount)} entries, ` +
      `${sum(({ operationCount }) => operationCount)} calls of users (${sum(({ acknowledgedCount }) => acknowledgedCount)} writes acknowledged), ` +
      `settled at the latest ${(slowest / 1000).toFixed(1)} s after the last fault; ${Math.round((performance.now() - startMs) / 1000)} s`,
  );
  if (failures.length > 0) console.log(`wrong: ${failures.map(({ seed }) => seed).join(", ")}`);
  process.exitCode = failures.length === 0 && results.length === count && codes.every(code => code === 0) ? 0 : 1;
}

function argsOf({ first, lives }: { readonly first: number; readonly lives: number }): readonly string[] {
  return ["--plays", "--from", String(first), "--seeds", String(lives), ...(values.bail ? ["--bail"] : [])];
}

function watched(child: ChildProcess, note: (report: Report) => void): Promise<number | null> {
  child.on("message", message => note(message as Report));
  return new Promise(resolve => child.once("exit", resolve));
}

if (!values.plays) await runAll();
else {
  process.once("disconnect", () => process.exit()); // Whoever asked for it is gone, or all is told.
  await play();
  process.disconnect();
}
