import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseLog, type RequestRecord } from "../../../deploy/try/summary.ts";
import type { TestLab } from "./lab.ts";

const RATE_PER_SECOND = 40;
/** Much longer than anything takes on a busy machine, and too short for a connection to a task that is gone. */
const TIMEOUT_MS = 5_000;

/** The demonstration's load on a published port of every host, from the lab's client. */
export class Load implements AsyncDisposable {
  readonly #directory: string;
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;

  private constructor(directory: string, child: ChildProcess) {
    this.#directory = directory;
    this.#child = child;
    this.#ended = new Promise(resolve => child.on("exit", () => resolve()));
  }

  static begin(lab: TestLab, { port }: { readonly port: number }): Load {
    const directory = mkdtempSync(join(tmpdir(), "shoal-load-"));
    const log = join(directory, "log");
    writeFileSync(log, "");
    const flags = Object.entries({
      targets: lab.hosts.map(({ address }) => address).join(","),
      port: String(port),
      rate: String(RATE_PER_SECOND),
      timeout: String(TIMEOUT_MS),
      log,
    }).flatMap(([name, value]) => [`--${name}`, value]);
    const network = `--net=/run/netns/shoal-${lab.name}-client`;
    return new Load(directory, spawn("nsenter", [network, process.execPath, "dist/load.mjs", ...flags], { stdio: "inherit" }));
  }

  /** How many hosts have answered by now. */
  get answeredTargets(): number {
    const answered = this.#records().filter(({ error }) => error === undefined);
    return new Set(answered.map(({ target }) => target)).size;
  }

  /** Waits for the last answers. @returns every request. */
  async end(): Promise<readonly RequestRecord[]> {
    this.#child.kill("SIGTERM");
    await this.#ended;
    return this.#records();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
    rmSync(this.#directory, { recursive: true, force: true });
  }

  #records(): readonly RequestRecord[] {
    const text = readFileSync(join(this.#directory, "log"), "utf8");
    return parseLog(text.slice(0, text.lastIndexOf("\n") + 1));
  }
}
