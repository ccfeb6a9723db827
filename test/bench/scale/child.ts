import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { build } from "esbuild";
import { MANAGER_ENVIRONMENT, MANAGER_NODE_FLAGS } from "../../../src/daemon/manager/options.ts";

const CALL_MS = 240_000;
const OUTPUT = "node_modules/.cache/shoal-scale";

/** Bundled as the product is, so that what is measured runs as it does there. */
export async function buildChildren(names: readonly string[]): Promise<void> {
  await build({
    entryPoints: names.map(name => join(import.meta.dirname, `${name}.ts`)),
    outdir: OUTPUT,
    outExtension: { ".js": ".mjs" },
    ...({ bundle: true, platform: "node", target: "node20", format: "esm", sourcemap: true, logLevel: "warning" } as const),
    mainFields: ["module", "main"],
    external: ["koffi", "classic-level", "node-pty"],
    banner: {
      js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);',
    },
  });
}

/** A process of the bench that answers calls, one after the other. */
export class Child<Call> {
  readonly #process: ChildProcess;
  #last: Promise<unknown> = Promise.resolve();

  constructor(name: string, argument: unknown, { environment = {} }: { readonly environment?: NodeJS.ProcessEnv } = {}) {
    const profile = process.env["PROFILE"] === name ? ["--cpu-prof", `--cpu-prof-dir=${OUTPUT}`] : [];
    const isManager = name === "manager";
    this.#process = fork(join(OUTPUT, `${name}.mjs`), [JSON.stringify(argument)], {
      execArgv: ["--expose-gc", ...(isManager ? MANAGER_NODE_FLAGS : []), ...profile],
      env: { ...process.env, ...(isManager ? MANAGER_ENVIRONMENT : {}), ...environment },
      serialization: "advanced",
    });
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  async ready(): Promise<void> {
    const [message] = (await once(this.#process, "message")) as [unknown];
    if (message !== "ready") throw new Error(`a child said ${JSON.stringify(message)}`);
  }

  async call<Answer>(call: Call): Promise<Answer> {
    const answer = this.#last.then(async () => {
      this.#process.send(call as object);
      const [message] = (await once(this.#process, "message", { signal: AbortSignal.timeout(CALL_MS) })) as [Answer];
      return message;
    });
    this.#last = answer.catch(() => undefined);
    return await answer;
  }

  /** At once, as a crash does it. */
  async kill(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const exit = once(this.#process, "exit");
    this.#process.kill("SIGKILL");
    await exit;
  }

  /** Lets it end by itself, so that a profile is written. */
  async end(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const exit = once(this.#process, "exit");
    this.#process.disconnect();
    await exit;
  }
}

/** The other side: answers each call with what `work` makes of it, and ends with the bench. */
export function answer<Call>(work: (call: Call) => unknown): void {
  process.on("message", (call: Call) => {
    void Promise.resolve(work(call)).then(result => process.send?.(result ?? null));
  });
  process.on("disconnect", () => process.exit(0));
  process.send?.("ready");
}
