import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { hostNames } from "../../../deploy/lab/paths.ts";
import { buildRootFileSystem } from "../../../deploy/try/image.ts";
import { asId, type RequestId } from "../../../src/model/ids.ts";

const run = promisify(execFile);
const CALL_MS = 12_000;
const CLI_MS = 40_000;

export interface TestHost {
  readonly name: string;
  readonly address: string;
  readonly socket: string;
}

/** A lab of its own for one suite; taken down with everything in it, also after a failure. */
export class TestLab implements AsyncDisposable {
  readonly name: string;
  readonly hosts: readonly TestHost[];

  private constructor(name: string, hosts: readonly TestHost[]) {
    this.name = name;
    this.hosts = hosts;
  }

  static async up(options: {
    /** One of its own, when none is said. */
    readonly name?: string;
    readonly managers: number;
    readonly workers: number;
    readonly isEmpty?: boolean;
    /** Prepares the places of hosts that are not there yet. */
    readonly beforeBoot?: (lab: string, hosts: readonly string[]) => void;
  }): Promise<TestLab> {
    const { name = `t${randomBytes(3).toString("hex")}` } = options;
    const flags = [
      "--managers",
      String(options.managers),
      "--workers",
      String(options.workers),
      ...(options.isEmpty === true ? ["--empty"] : []),
    ];
    try {
      options.beforeBoot?.(name, hostNames(options));
      const output = await lab(["up", "--name", name, ...flags]);
      const hosts = [...output.matchAll(/^(\S+) (\S+) DOCKER_HOST=unix:\/\/(\S+)$/gm)].map(
        ([, host = "", address = "", socket = ""]) => ({ name: host, address, socket }),
      );
      return new TestLab(name, hosts);
    } catch (error) {
      await lab(["down", "--name", name]);
      throw error;
    }
  }

  host(name: string): TestHost {
    const found = this.hosts.find(host => host.name === name);
    if (found === undefined) throw new Error(`no host ${name}`);
    return found;
  }

  get managers(): readonly TestHost[] {
    return this.hosts.filter(({ name }) => name.startsWith("m"));
  }

  async do(
    verb: "kill" | "crash" | "restart" | "pause" | "resume" | "cut" | "silence" | "heal",
    ...hosts: readonly string[]
  ): Promise<void> {
    await lab([verb, "--name", this.name, ...hosts]);
  }

  /** Pauses or cuts hosts for that long and no longer: the start of a program on a busy machine is not part of it. */
  async doFor(seconds: number, verb: "pause" | "cut", ...hosts: readonly string[]): Promise<void> {
    await lab([verb, "--name", this.name, "--for", String(seconds), ...hosts]);
  }

  /** Runs a shell command inside a host. */
  async sh(host: string, command: string): Promise<string> {
    return await lab(["sh", "--name", this.name, host, command]);
  }

  /** A file of the host as the host sees it. */
  inside(host: string, path: string): string {
    const { pid } = JSON.parse(readFileSync(`/var/lib/shoal-lab/${this.name}/${host}/holder.pid`, "utf8")) as { pid: number };
    return `/proc/${pid}/root${path}`;
  }

  /** Ids of the nodes that a leader took for down since a wall time, with the last time at which it did, as the managers' logs tell. */
  nodesFoundDown(sinceMs: number): ReadonlyMap<string, number> {
    const lines = this.managers.flatMap(({ name }) =>
      readFileSync(`/var/lib/shoal-lab/${this.name}/${name}/shoald.log`, "utf8").split("\n"),
    );
    const records = lines
      .filter(line => line.includes("a node changed state"))
      .map(line => JSON.parse(line) as { readonly time: number; readonly node: string; readonly state: string });
    return new Map(
      records.filter(({ time, state }) => time >= sinceMs && state === "down").map(({ node, time }) => [node, time]),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await lab(["down", "--name", this.name]);
  }
}

async function lab(args: readonly string[]): Promise<string> {
  const [verb = "", ...rest] = args;
  const { stdout } = await run(process.execPath, ["bin/lab", verb, ...rest], { maxBuffer: 16 * 1024 * 1024 });
  return stdout;
}

export interface Answer {
  readonly status: number;
  /** Parsed, when it is JSON. */
  readonly body: unknown;
}

/** One REST call. @throws Error when the daemon does not answer in time. */
export function call(
  host: TestHost,
  method: string,
  path: string,
  options: { readonly body?: unknown; readonly headers?: Record<string, string>; readonly timeoutMs?: number } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        socketPath: host.socket,
        method,
        path,
        agent: false,
        timeout: options.timeoutMs ?? CALL_MS,
        headers: { ...(options.body === undefined ? {} : { "content-type": "application/json" }), ...options.headers },
      },
      response => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", chunk => (text += chunk));
        response.on("error", reject);
        response.on("end", () => resolve({ status: response.statusCode ?? 0, body: parsed(text) }));
      },
    );
    outgoing.on("timeout", () => outgoing.destroy(new Error(`${method} ${path}: no answer`)));
    outgoing.on("error", reject);
    outgoing.end(options.body === undefined ? undefined : JSON.stringify(options.body));
  });
}

/** As `call`, for what must succeed. */
export async function ok<T>(host: TestHost, method: string, path: string, body?: unknown): Promise<T> {
  const answer = await call(host, method, path, body === undefined ? {} : { body });
  if (answer.status >= 300) throw new Error(`${host.name}: ${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
  return answer.body as T;
}

/** The real CLI against a host's daemon. @returns what it prints, trimmed. @throws the error of `execFile` when it fails. */
export async function docker(host: TestHost, ...args: readonly string[]): Promise<string> {
  return (await run("docker", ["-H", `unix://${host.socket}`, ...args], { timeout: CLI_MS })).stdout.trim();
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Waits for a condition, as long as it takes but no longer than `ms`. @returns how long it took, in ms. */
export async function until(what: string, ms: number, condition: () => Promise<boolean>): Promise<number> {
  const startedMs = performance.now();
  for (;;) {
    if (await condition().catch(() => false)) return performance.now() - startedMs;
    if (performance.now() - startedMs > ms) throw new Error(`${what}: not within ${ms} ms`);
    await new Promise(resolve => setTimeout(resolve, 50));
  }
}

/** Waits until as many tasks as that have answered, each with a name of its own. @param ask - One request, whichever task it goes to. */
export async function untilAllAnswer(what: string, count: number, ask: () => Promise<string>): Promise<void> {
  const names = new Set<string>();
  await until(`${count} tasks answer ${what}`, 20_000, async () => {
    const name = await ask();
    if (name !== "") names.add(name);
    return names.size === count;
  });
}

/** The image that the tests run: the system's static busybox. */
export async function importBusybox(hosts: readonly TestHost[]): Promise<void> {
  const script = `set -e; r=$(mktemp -d); mkdir -p $r/bin $r/etc $r/tmp $r/proc $r/sys $r/dev
    cp /usr/bin/busybox $r/bin/; for a in $(/usr/bin/busybox --list); do [ -e $r/bin/$a ] || ln -s busybox $r/bin/$a; done
    echo 'root:x:0:0:root:/:/bin/sh' > $r/etc/passwd; tar -C $r -cf - .; rm -rf $r`;
  const { stdout } = await run("bash", ["-c", script], { encoding: "buffer", maxBuffer: 64 * 1024 * 1024 });
  await Promise.all(hosts.map(host => upload(host, { archive: stdout, name: "busybox", change: 'CMD ["sh"]' })));
}

/** The demonstration's server, which answers with the address it sees its client at. */
export async function importDemoServer(hosts: readonly TestHost[]): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "shoal-test-"));
  try {
    const tarPath = join(directory, "demo.tar");
    buildRootFileSystem({ tarPath, serverPath: "deploy/try/server.pl" });
    const archive = readFileSync(tarPath);
    await Promise.all(
      hosts.map(host => upload(host, { archive, name: "demo", change: 'ENTRYPOINT ["/usr/bin/perl", "/server.pl"]' })),
    );
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function upload(
  host: TestHost,
  { archive, name, change }: { readonly archive: Buffer; readonly name: string; readonly change: string },
): Promise<void> {
  return new Promise((resolve, reject) => {
    const path = `/images/create?fromSrc=-&repo=${name}&tag=latest&changes=${encodeURIComponent(change)}`;
    const outgoing = request(
      { socketPath: host.socket, method: "POST", path, headers: { "content-type": "application/x-tar" } },
      response => {
        response.resume();
        response.on("end", () => (response.statusCode === 200 ? resolve() : reject(new Error(`import: ${response.statusCode}`))));
      },
    );
    outgoing.on("error", reject);
    outgoing.end(archive);
  });
}

// ---- what the tests read ----

export interface TaskJson {
  readonly ID: string;
  readonly Slot: number;
  readonly NodeID: string;
  readonly DesiredState: string;
  readonly Status: { readonly State: string; readonly ContainerStatus?: { readonly ContainerID: string } };
}

export interface NodeJson {
  readonly ID: string;
  readonly Description: { readonly Hostname: string };
  readonly Status: { readonly State: string };
  readonly ManagerStatus?: { readonly Leader?: boolean };
}

export interface ServiceJson {
  readonly ID: string;
  readonly Version: { readonly Index: number };
  readonly Spec: { readonly Labels: Readonly<Record<string, string>> };
}

/** For a write that is tried again under it. */
export function newRequestId(): RequestId {
  return asId<RequestId>(randomBytes(16).toString("hex").slice(0, 25));
}

export async function runningTasks(host: TestHost, service: string): Promise<readonly TaskJson[]> {
  const filters = encodeURIComponent(JSON.stringify({ service: [service], "desired-state": ["running"] }));
  const tasks = await ok<readonly TaskJson[]>(host, "GET", `/tasks?filters=${filters}`);
  return tasks.filter(task => task.Status.State === "running");
}

export async function leaderOf(host: TestHost): Promise<string | undefined> {
  const nodes = await ok<readonly NodeJson[]>(host, "GET", "/nodes");
  return nodes.find(node => node.ManagerStatus?.Leader === true)?.Description.Hostname;
}

export function serviceSpec(
  name: string,
  options: {
    readonly replicas: number;
    readonly command?: readonly string[];
    readonly image?: string;
    readonly labels?: Record<string, string>;
    readonly constraints?: readonly string[];
  },
): unknown {
  return {
    Name: name,
    Labels: options.labels ?? {},
    TaskTemplate: {
      ContainerSpec: {
        Image: `${options.image ?? "busybox"}:latest`,
        ...(options.command && { Command: options.command }),
        StopGracePeriod: 1e9,
      },
      RestartPolicy: { Condition: "any", Delay: 1e9 },
      Placement: { Constraints: options.constraints ?? [] },
    },
    Mode: { Replicated: { Replicas: options.replicas } },
  };
}
