import { type Answer, exchange } from "./http.ts";
import type { Specification } from "./specification.ts";

/** An engine as the cases see it. */
export interface Host {
  readonly name: "real" | "ours";
  readonly socketPath: string;
  /** One of its own, for its swarm. */
  readonly address: string;
  /** A registry that both reach at the same address, each in its own network. */
  readonly registry: string;
  /** Stops its daemon and starts it again; resolves when it answers. */
  readonly restart: () => Promise<void>;
}

/** An engine that stands alone, and another within its reach that is in no swarm between the cases. */
export interface HostWithOther extends Host {
  readonly other: Host;
}

/** As many others as versions can be asked side by side. */
export interface HostWithOthers extends Host {
  readonly others: readonly Host[];
}

export interface Call {
  readonly query?: Readonly<Record<string, string | readonly string[]>>;
  /** A text or bytes are sent as they are, anything else as JSON. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly isEnough?: (body: Buffer) => boolean;
  /** The second host is asked. */
  readonly onOther?: boolean;
}

export interface StageOptions {
  readonly host: HostWithOther;
  readonly version: string;
  readonly specification: Specification;
  /** So that nothing of two cases is called alike. */
  readonly prefix: string;
  readonly operation: string;
}

/** What runs until it is told to end, and then does at once. */
const IDLE = ["sh", "-c", "trap 'exit 0' TERM; echo out; echo err >&2; while :; do sleep 1 & wait; done"];

/** Where a case plays: it calls its operation on an engine in one version, and brings about what it needs for that. Takes away what it made. */
export class Stage implements AsyncDisposable {
  readonly host: HostWithOther;
  readonly version: string;
  readonly prefix: string;
  readonly #options: StageOptions;
  readonly #undo: (() => Promise<unknown>)[] = [];
  #made = 0;

  constructor(options: StageOptions) {
    this.host = options.host;
    this.version = options.version;
    this.prefix = options.prefix;
    this.#options = options;
  }

  /** Calls the operation of the case. @param path - What stands in place of `{id}` and the like. */
  call(path: Readonly<Record<string, string>> = {}, call: Call = {}): Promise<Answer> {
    return this.ask(this.#options.operation, path, call);
  }

  /** Calls any operation and takes whatever it answers. */
  ask(operationId: string, path: Readonly<Record<string, string>> = {}, call: Call = {}): Promise<Answer> {
    const { method, path: pattern } = this.#options.specification.operation(operationId);
    const filled = pattern.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(path[name] ?? ""));
    const isRaw = typeof call.body === "string" || Buffer.isBuffer(call.body);
    const body = call.body === undefined ? undefined : Buffer.from(isRaw ? (call.body as string) : JSON.stringify(call.body));
    return exchange({
      socketPath: (call.onOther === true ? this.host.other : this.host).socketPath,
      method,
      path: `/v${this.version}${filled}${queryText(call.query)}`,
      headers: { Host: "docker", ...(body === undefined ? {} : { "Content-Type": "application/json" }), ...call.headers },
      body,
      isEnough: call.isEnough,
    });
  }

  /** Calls an operation that has to succeed. @returns its JSON, if it is some. */
  async need(operationId: string, path: Readonly<Record<string, string>> = {}, call: Call = {}): Promise<Json> {
    const { status, headers, body } = await this.ask(operationId, path, call);
    if (status >= 400) throw new Error(`${this.host.name}: ${operationId} was answered with ${status} ${body.toString()}`);
    if (body.byteLength === 0 || headers["content-type"]?.startsWith("application/json") !== true) return {};
    return JSON.parse(body.toString().split("\n")[0] ?? "") as Json;
  }

  newName(): string {
    return `${this.prefix}-${this.#made++}`;
  }

  /** Calls an operation when the case is over. */
  later(operationId: string, path: Readonly<Record<string, string>> = {}, call: Call = {}): void {
    this.#undo.push(() => this.ask(operationId, path, call));
  }

  /** A container that was not started. @returns its name. */
  async created(config: ContainerBody = {}): Promise<string> {
    const name = this.newName();
    const { HostConfig: hostConfig, ...others } = config;
    const body = { Image: "busybox", Cmd: IDLE, ...others, HostConfig: { NetworkMode: "none", ...hostConfig } };
    await this.need("ContainerCreate", {}, { query: { name }, body });
    this.later("ContainerDelete", { id: name }, { query: { force: "1", v: "1" } });
    return name;
  }

  /** One that runs until it is told to end. */
  async running(config: ContainerBody = {}): Promise<string> {
    const id = await this.created(config);
    await this.need("ContainerStart", { id });
    return id;
  }

  /** One whose process has ended by itself. */
  async ended(config: ContainerBody = {}): Promise<string> {
    const id = await this.running({ Cmd: ["sh", "-c", "echo out; echo err >&2; exit 3"], ...config });
    await this.need("ContainerWait", { id });
    return id;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const undo of this.#undo.toReversed()) await undo();
  }
}

export type Json = Readonly<Record<string, unknown>>;
export type ContainerBody = Readonly<Record<string, unknown>> & { readonly HostConfig?: Readonly<Record<string, unknown>> };

function queryText(query: Call["query"]): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {}))
    for (const one of typeof value === "string" ? [value] : value) parameters.append(name, one);
  return parameters.size === 0 ? "" : `?${parameters.toString()}`;
}
