import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { removeCgroups } from "../../../deploy/lab/processes.ts";
import { call, type TestHost, until } from "../lab/lab.ts";

const START_MS = 15_000;
const STOP_MS = 20_000;

/** One daemon in a network namespace of its own, with its own roots: for what flags and signals do to it. Taken down with all it kept. */
export class OwnDaemon implements AsyncDisposable {
  readonly directory = mkdtempSync(join(tmpdir(), "shoal-daemon-"));
  readonly configPath = join(this.directory, "daemon.json");
  readonly host: TestHost = { name: "own", address: "", socket: join(this.directory, "shoal.sock") };
  readonly cgroup = `/shoal-test-${process.pid}-${this.directory.slice(-6)}`;
  #process: ChildProcess | undefined;
  #holder: ChildProcess | undefined;
  #output = "";

  get dataRoot(): string {
    return join(this.directory, "data");
  }

  get pid(): number {
    const pid = this.#process?.pid;
    if (pid === undefined) throw new Error("the daemon does not run");
    return pid;
  }

  /** What it has written on stdout and stderr since it was started. */
  get output(): string {
    return this.#output;
  }

  writeConfig(content: unknown): void {
    writeFileSync(this.configPath, JSON.stringify(content));
  }

  /** Starts it and waits until it answers. @throws Error with its output when it ends instead. */
  async start(options: Launch = {}): Promise<void> {
    const exited = this.launch(options);
    const ready = until("the daemon answers", START_MS, async () => (await call(this.host, "GET", "/_ping")).status === 200);
    const failed = exited.then(code => Promise.reject(new Error(`the daemon ended with ${code}:\n${this.#output}`)));
    await Promise.race([ready, failed]);
  }

  /** Starts it only. @returns its exit code, once it has ended. */
  launch({
    flags = [],
    env = {},
    before = [],
    networkNamespace,
    hosts = [`unix://${this.host.socket}`],
  }: Launch = {}): Promise<number> {
    for (const name of ["data", "run"]) mkdirSync(join(this.directory, name), { recursive: true });
    const ownFlags = [
      ...["--data-root", this.dataRoot, "--exec-root", join(this.directory, "run"), "--pidfile", join(this.directory, "pid")],
      ...["--cgroup-parent", this.cgroup, ...hosts.flatMap(host => ["--host", host])],
    ];
    const command = [...before, process.execPath, "bin/shoald", ...ownFlags, ...flags];
    this.#output = "";
    const enter = networkNamespace === undefined ? ["unshare", "--net"] : ["nsenter", `--net=${networkNamespace}`];
    const [program = "", ...args] = [...enter, "sh", "-c", 'ip link set lo up; exec "$@"', "sh", ...command];
    const child = spawn(program, args, {
      stdio: ["ignore", "pipe", "pipe"],
      env: { PATH: process.env["PATH"] ?? "", ...env },
    });
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (this.#output += chunk.toString()));
    this.#process = child;
    return new Promise(resolve => child.once("exit", (code, signal) => resolve(code ?? (signal === null ? -1 : 128))));
  }

  /** Keeps its network namespace for the daemon that comes after it. */
  async holdNetwork(): Promise<{ readonly networkNamespace: string }> {
    this.#holder?.kill();
    const holder = spawn("nsenter", [`--net=/proc/${this.pid}/ns/net`, "sh", "-c", "echo; exec sleep 1000"], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    this.#holder = holder;
    await new Promise(resolve => holder.stdout.once("data", resolve));
    return { networkNamespace: `/proc/${holder.pid}/ns/net` };
  }

  signal(name: NodeJS.Signals): void {
    process.kill(this.pid, name);
  }

  async stop(): Promise<void> {
    const child = this.#process;
    if (child === undefined || !this.#isRunning()) return;
    this.#process = undefined;
    const exited = new Promise<void>(resolve => child.once("exit", () => resolve()));
    child.kill("SIGTERM");
    const late = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
    await exited;
    clearTimeout(late);
  }

  #isRunning(): boolean {
    const child = this.#process;
    return child !== undefined && child.exitCode === null && child.signalCode === null;
  }

  /** Entries of its log with this message. */
  logged(message: string): readonly Readonly<Record<string, unknown>>[] {
    return this.#output
      .split("\n")
      .filter(line => line.startsWith("{"))
      .map(line => JSON.parse(line) as Readonly<Record<string, unknown>>)
      .filter(({ msg }) => msg === message);
  }

  file(name: string): string {
    return readFileSync(join(this.directory, name), "utf8");
  }

  /** What a test that failed left running would hold its files. */
  async #removeContainers(): Promise<void> {
    if (!this.#isRunning()) return;
    const { body } = await call(this.host, "GET", "/containers/json?all=1").catch(() => ({ body: [] }));
    for (const { Id } of Array.isArray(body) ? (body as { Id: string }[]) : [])
      await call(this.host, "DELETE", `/containers/${Id}?force=1`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#removeContainers();
    await this.stop();
    this.#holder?.kill();
    rmSync(this.directory, { recursive: true, force: true });
    removeCgroups(this.cgroup);
  }
}

export interface Launch {
  readonly flags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Put before the daemon's command. */
  readonly before?: readonly string[];
  readonly hosts?: readonly string[];
  /** Missing: a new one. */
  readonly networkNamespace?: string;
}
