import { execFile, execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { bootHost, crashHost, killDaemon } from "../../deploy/lab/host.ts";
import { type LabHost, labHost } from "../../deploy/lab/paths.ts";
import { isAlive, type ProcessIdentity, until } from "../../deploy/lab/processes.ts";
import type { ArmedFailpoint } from "../../src/daemon/failpoints.ts";

const run = promisify(execFile);
const DEATH_MS = 5_000;
const STOP_MS = 20_000;
/** One of the administrator's, which no container has. */
export const OTHER_RUNTIME = "other";

/** A lab of one host whose daemon fails on demand. */
export class FaultHost implements AsyncDisposable {
  readonly lab: LabHost;
  readonly #failpoints: string;
  /** Takes what it is sent. */
  readonly #syslog = createServer(socket => socket.on("error", () => {}).resume());

  private constructor(lab: LabHost, failpoints: string) {
    this.lab = lab;
    this.#failpoints = failpoints;
  }

  static async up(): Promise<FaultHost> {
    const name = `f${randomBytes(3).toString("hex")}`;
    const failpoints = mkdtempSync(join(tmpdir(), "shoal-faults-"));
    writeFileSync(join(failpoints, "hits"), "");
    const host = new FaultHost(labHost(name, "m1"), failpoints);
    host.#syslog.listen(host.syslogPath);
    const env = { ...process.env, ...host.#variables };
    try {
      await run(process.execPath, ["bin/lab", "up", "--name", name, "--managers", "1", "--workers", "0", "--empty"], { env });
      // From the next start of the daemon on.
      writeFileSync(join(host.lab.directory, "daemon.json"), JSON.stringify({ runtimes: { [OTHER_RUNTIME]: { path: "runc" } } }));
    } catch (error) {
      await host[Symbol.asyncDispose]();
      throw error;
    }
    return host;
  }

  /** Of every start of its daemon. */
  get #variables(): Readonly<Record<string, string>> {
    return { SHOAL_FAILPOINTS: this.#failpoints };
  }

  get syslogPath(): string {
    return join(this.#failpoints, "syslog");
  }

  get socket(): string {
    return this.lab.socket;
  }

  /** The host's root, as it sees it. */
  inside(path: string): string {
    return `/proc/${this.holderPid}/root${path}`;
  }

  get holderPid(): number {
    return this.#identity("holder.pid").pid;
  }

  get daemonPid(): number {
    return this.#identity("shoald.identity").pid;
  }

  isUp(): boolean {
    return isAlive(this.#identity("shoald.identity"));
  }

  async start(): Promise<void> {
    await bootHost(this.lab, [this.lab], this.#variables);
  }

  async kill(): Promise<void> {
    await killDaemon(this.lab);
  }

  /** As a service manager stops it: for a restart, or an upgrade. */
  async stop(): Promise<void> {
    if (!this.isUp()) return;
    process.kill(this.daemonPid, "SIGTERM");
    await until("the daemon stops", STOP_MS, () => !this.isUp());
  }

  /** Power loss. */
  async crash(): Promise<void> {
    await crashHost(this.lab);
  }

  async awaitDeath(): Promise<void> {
    await until("the armed daemon's death", DEATH_MS, () => !this.isUp());
  }

  arm(armed: ArmedFailpoint): void {
    writeFileSync(join(this.#failpoints, "armed"), JSON.stringify(armed));
  }

  isArmed(): boolean {
    return existsSync(join(this.#failpoints, "armed"));
  }

  /** Waits until a step is held up by what was armed. */
  async awaitHold(): Promise<void> {
    await until("a step held up", DEATH_MS, () => existsSync(join(this.#failpoints, "held")));
  }

  /** The step that is held up goes on. */
  release(): void {
    rmSync(join(this.#failpoints, "held"), { force: true });
  }

  /** @returns whether it was still armed: nothing had passed there. */
  disarm(): boolean {
    const path = join(this.#failpoints, "armed");
    const isArmed = existsSync(path);
    rmSync(path, { force: true });
    return isArmed;
  }

  /** Failpoints passed since the last time, in order; one at which something was done ends in what it was. */
  takeHits(): readonly string[] {
    const hits = this.peekHits();
    writeFileSync(join(this.#failpoints, "hits"), "");
    return hits;
  }

  peekHits(): readonly string[] {
    return readFileSync(join(this.#failpoints, "hits"), "utf8").split("\n").filter(Boolean);
  }

  /** Runs a program in the host's network. */
  inNetwork(...command: readonly string[]): string {
    return execFileSync("nsenter", [`--net=/run/netns/${this.lab.namespace}`, ...command], { encoding: "utf8", stdio: "pipe" });
  }

  log(): string {
    return readFileSync(join(this.lab.directory, "shoald.log"), "utf8");
  }

  #identity(file: string): ProcessIdentity {
    return JSON.parse(readFileSync(join(this.lab.directory, file), "utf8")) as ProcessIdentity;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await run(process.execPath, ["bin/lab", "down", "--name", this.lab.lab]);
    this.#syslog.close();
    rmSync(this.#failpoints, { recursive: true, force: true });
  }
}
