import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Container } from "../../../src/model/container.ts";

const AGENT = fileURLToPath(new URL("./agent.ts", import.meta.url));

/** A few hosts on one switch, each a network namespace with an agent in it, and a client without. All named `shnt…`. */
export class TestLab implements AsyncDisposable {
  readonly #prefix = `shnt${process.pid}`;
  readonly #directory = mkdtempSync(join(tmpdir(), "shnt-"));
  readonly #namespaces: string[] = [];
  readonly #hosts: TestHost[] = [];

  constructor() {
    this.#addNamespace("sw");
    this.#ip("sw", "link add br0 type bridge");
    this.#ip("sw", "link set br0 up");
  }

  /** A host at 10.98.0.`number` and fd98::`number`, with its engine running. */
  async host(number: number): Promise<TestHost> {
    const name = `h${number}`;
    if (!this.#namespaces.includes(this.#prefix + name)) this.plug(name, number);
    const host = await TestHost.start({ namespace: this.#prefix + name, directory: join(this.#directory, name) });
    this.#hosts.push(host);
    return host;
  }

  /** A machine without an engine. */
  client(number: number): (command: readonly string[]) => string {
    const name = `c${number}`;
    this.plug(name, number);
    return ([file = "", ...args]) =>
      execFileSync("nsenter", [`--net=/run/netns/${this.#prefix}${name}`, file, ...args], { encoding: "utf8", timeout: 15_000 });
  }

  plug(name: string, number: number): void {
    this.#addNamespace(name);
    execFileSync("ip", [
      "-n",
      `${this.#prefix}sw`,
      "link",
      "add",
      `p${name}`,
      "type",
      "veth",
      "peer",
      "name",
      "eth0",
      "netns",
      this.#prefix + name,
    ]);
    this.#ip("sw", `link set p${name} master br0 up`);
    this.#ip(name, `addr add 10.98.0.${number}/24 dev eth0`);
    this.#ip(name, `addr add fd98::${number}/64 dev eth0 nodad`);
    this.#ip(name, "link set eth0 up");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#hosts.map(host => host.stop()));
    for (const namespace of this.#namespaces) execFileSync("ip", ["netns", "del", namespace]);
    rmSync(this.#directory, { recursive: true, force: true });
  }

  #addNamespace(name: string): void {
    const namespace = this.#prefix + name;
    execFileSync("ip", ["netns", "add", namespace]);
    this.#namespaces.push(namespace);
    this.#ip(name, "link set lo up");
  }

  #ip(name: string, command: string): void {
    execFileSync("ip", ["-n", this.#prefix + name, ...command.split(" ")]);
  }
}

interface Reply {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: string;
}

/** An engine's networks in a namespace of their own, by remote control. */
export class TestHost {
  readonly #options: { readonly directory: string };
  readonly #holder: ChildProcess;
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  readonly #programs: number[];
  #lastId = 0;
  #successor: TestHost | undefined;

  private constructor(
    options: { readonly directory: string },
    { holder, daemon, programs }: { readonly holder: ChildProcess; readonly daemon: ChildProcess; readonly programs: number[] },
  ) {
    this.#programs = programs;
    this.#options = options;
    this.#holder = holder;
    this.#child = daemon;
  }

  /** A holder keeps the host's mounts while daemons come and go; it ends with this process. */
  static async start(options: { readonly namespace: string; readonly directory: string }): Promise<TestHost> {
    mkdirSync(options.directory, { recursive: true });
    const script = "mount --make-rprivate /; mount -t tmpfs tmpfs /run; mkdir -p /run/netns; echo ready; exec cat";
    const holder = spawn("nsenter", [`--net=/run/netns/${options.namespace}`, "unshare", "--mount", "sh", "-c", script], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    await once(holder.stdout, "data");
    return TestHost.#boot(options, { holder, programs: [] });
  }

  static async #boot(
    options: { readonly directory: string },
    { holder, programs }: { readonly holder: ChildProcess; readonly programs: number[] },
  ): Promise<TestHost> {
    const agent = [process.execPath, "--import=tsx", AGENT, options.directory];
    const daemon = spawn("nsenter", ["-t", String(holder.pid), "--net", "--mount", `--wd=${process.cwd()}`, ...agent], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    const host = new TestHost(options, { holder, daemon, programs });
    await host.#listen();
    return host;
  }

  /** Starts a program that outlives the daemon, as containers do, and ends with the test. @returns its first line. */
  async start(inside: string | undefined, command: readonly string[]): Promise<{ readonly pid: number; readonly line: string }> {
    const started = await this.call<{ pid: number; line: string }>("start", { inside, command });
    this.#programs.push(started.pid);
    return started;
  }

  call<T = unknown>(call: string, argument: unknown = null): Promise<T> {
    const id = ++this.#lastId;
    return new Promise<T>((resolve, reject) => {
      this.#waiting.set(id, { resolve: resolve as (value: unknown) => void, reject });
      this.#child.stdin?.write(`${JSON.stringify({ id, call, argument })}\n`);
    });
  }

  /** Output of a program in a container, or on the host. */
  async run(inside: string | undefined, command: readonly string[]): Promise<string> {
    const { stdout, stderr, exitCode } = await this.call<{ stdout: string; stderr: string; exitCode: number }>("run", {
      inside,
      command,
    });
    return exitCode === 0 ? stdout : `${stdout}${stderr}(exit ${exitCode})`;
  }

  /** As when the daemon is killed: nothing is taken down. */
  async killDaemon(): Promise<TestHost> {
    this.#child.kill("SIGKILL");
    await once(this.#child, "exit");
    this.#successor = await TestHost.#boot(this.#options, { holder: this.#holder, programs: this.#programs.splice(0) });
    return this.#successor;
  }

  /** With whatever has taken its place: a process left behind would keep the tests from ending. */
  async stop(): Promise<void> {
    if (this.#successor !== undefined) return this.#successor.stop();
    for (const pid of this.#programs.splice(0)) killIfThere(pid);
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.stdin?.end();
    await once(this.#child, "exit");
    this.#holder.stdin?.end();
    await once(this.#holder, "exit");
  }

  async #listen(): Promise<void> {
    const lines = createInterface({ input: this.#child.stdout ?? process.stdin });
    await new Promise<void>((resolve, reject) => {
      this.#child.once("exit", code => reject(new Error(`the agent ended with ${String(code)}`)));
      lines.on("line", line => {
        const reply = JSON.parse(line) as Reply & { readonly ready?: boolean };
        if (reply.ready === true) return resolve();
        const waiting = this.#waiting.get(reply.id);
        this.#waiting.delete(reply.id);
        if (reply.error === undefined) waiting?.resolve(reply.result);
        else waiting?.reject(new Error(reply.error));
      });
    });
  }
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It had ended.
  }
}

/** A container as far as networks look at it. */
export function aContainer(
  name: string,
  options: {
    readonly networkMode?: string;
    readonly ports?: Readonly<Record<string, readonly { readonly hostIp: string; readonly hostPort: string }[]>>;
    readonly endpoints?: Readonly<Record<string, object>>;
    readonly exposedPorts?: readonly string[];
    readonly publishAllPorts?: boolean;
    readonly status?: string;
    readonly extraHosts?: readonly string[];
  } = {},
): Container {
  const id = Buffer.from(name.padEnd(32, ".")).toString("hex");
  const endpoints = Object.fromEntries(Object.entries(options.endpoints ?? {}).map(([key, config]) => [key, { config }]));
  const exposedPorts = [...(options.exposedPorts ?? []), ...Object.keys(options.ports ?? {})]; // As the docker CLI does.
  const container = {
    id,
    name,
    config: { hostname: id.slice(0, 12), domainname: "", exposedPorts, networkDisabled: false },
    hostConfig: {
      networkMode: options.networkMode ?? "default",
      portBindings: options.ports ?? {},
      publishAllPorts: options.publishAllPorts ?? false,
      dns: [],
      dnsSearch: [],
      dnsOptions: [],
      extraHosts: options.extraHosts ?? [],
      links: [],
    },
    state: { status: options.status ?? "created" },
    hostsPath: "",
    resolvConfPath: "",
    networks: { sandboxId: "", sandboxKey: "", ports: {}, endpoints },
  };
  return container as unknown as Container;
}

/** Says its name and who called, over TCP and UDP. @param address - `::` for both families. */
export function echoServer(name: string, port: number, address: "0.0.0.0" | "::" = "0.0.0.0"): readonly string[] {
  const script = `
    const net = require("net"), dgram = require("dgram");
    net.createServer(s => { s.on("error", () => {}); s.end("${name} " + s.remoteAddress.replace("::ffff:", "")); }).listen(${port}, "${address}", () => {
      const u = dgram.createSocket("${address === "::" ? "udp6" : "udp4"}");
      u.on("message", (m, r) => u.send("${name} " + r.address.replace("::ffff:", ""), r.port, r.address));
      u.bind(${port}, "${address}", () => console.log("ready"));
    });`;
  return [process.execPath, "-e", script];
}

/** What the server at an address says; `failed CODE` when it says nothing. @param localPort - The client's; 0: any. */
export function call(protocol: "tcp" | "udp", address: string, port: number, localPort = 0): readonly string[] {
  const tcp = `
    const s = require("net").connect({ port: ${port}, host: "${address}", localPort: ${localPort} }); let text = "";
    s.setTimeout(2000, () => { console.log("failed ETIMEDOUT"); process.exit(); });
    s.on("data", d => text += d).on("end", () => { console.log(text); process.exit(); }).on("error", e => console.log("failed " + e.code));`;
  const udp = `
    const u = require("dgram").createSocket("${address.includes(":") ? "udp6" : "udp4"}");
    u.on("message", m => { console.log(String(m)); process.exit(); }); u.on("error", e => { console.log("failed " + e.code); process.exit(); });
    u.send("?", ${port}, "${address}", e => { if (e) { console.log("failed " + e.code); process.exit(); } });
    setTimeout(() => { console.log("failed ETIMEDOUT"); process.exit(); }, 2000);`;
  return [process.execPath, "-e", protocol === "tcp" ? tcp : udp];
}

/** A request for a network. */
export function aNetwork(name: string, options: object = {}): object {
  return {
    name,
    driver: "",
    isInternal: false,
    isAttachable: false,
    isIngress: false,
    isIpv4: true,
    isIpv6: false,
    ipamDriver: "",
    ipamOptions: {},
    ipam: [],
    options: {},
    labels: {},
    scope: "",
    ...options,
  };
}

/** A program that asks the container's name server; `say` prints the answer. */
export const resolver = (body: string): readonly string[] => [
  process.execPath,
  "-e",
  `const r = new (require("dns").Resolver)(); r.setServers(["127.0.0.11"]); const say = (e, a) => console.log(e ? e.code : String(a)); ${body}`,
];
