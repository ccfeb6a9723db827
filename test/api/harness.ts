import { mkdtemp, rm } from "node:fs/promises";
import { request } from "node:http";
import type { IncomingHttpHeaders } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createApiServer } from "../../src/api/server.ts";
import type { ApiServer, ApiServerOptions } from "../../src/api/server.ts";
import type { Clock } from "../../src/ports/clock.ts";
import type { Log } from "../../src/ports/log.ts";
import type { Random } from "../../src/ports/random.ts";
import { FakeCluster } from "./fake-cluster.ts";
import { FakeEngine } from "./fake-engine.ts";

const SILENT: Log = { debug() {}, info() {}, warn() {}, error() {} };
const NOW_MS = Date.UTC(2026, 0, 2, 3, 4, 5, 678);

function fixedClock(): Clock {
  return {
    nowMs: () => NOW_MS,
    monotonicMs: () => performance.now(),
    sleep: async () => undefined,
    timeout: ms => AbortSignal.timeout(ms),
  };
}

/** Repeats, and never gives the same bytes twice in a test. */
function countingRandom(): Random {
  let next = 0;
  const uint32 = () => (next = (next + 1) >>> 0);
  const bytes = (count: number) => {
    const seed = uint32();
    return Uint8Array.from({ length: count }, (_, index) => (index < 4 ? (seed >>> (index * 8)) & 255 : index));
  };
  return { uint32, bytes };
}

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly json: unknown;
}

/** A server on fake backends, at a socket of its own. */
export class Harness implements AsyncDisposable {
  readonly engine: FakeEngine;
  readonly cluster: FakeCluster;
  readonly socketPath: string;
  /** For a second server on the same backends. */
  readonly serverOptions: ApiServerOptions;
  readonly #directory: string;
  readonly #server: ApiServer;

  private constructor(parts: {
    directory: string;
    engine: FakeEngine;
    cluster: FakeCluster;
    serverOptions: ApiServerOptions;
    server: ApiServer;
  }) {
    this.#directory = parts.directory;
    this.socketPath = join(parts.directory, "api.sock");
    this.engine = parts.engine;
    this.serverOptions = parts.serverOptions;
    this.cluster = parts.cluster;
    this.#server = parts.server;
  }

  static async create(): Promise<Harness> {
    const directory = await mkdtemp(join(tmpdir(), "shoal-api-"));
    const engine = new FakeEngine();
    const cluster = new FakeCluster();
    const { containers, execs, images, networks, volumes, system } = engine;
    const backends = { containers, execs, images, networks, volumes, system, swarm: cluster.membership, control: cluster };
    const serverOptions = { backends, log: SILENT, clock: fixedClock(), random: countingRandom(), version: "0.1.0" };
    const server = createApiServer(serverOptions);
    const path = join(directory, "api.sock");
    await server.listen({ kind: "unix", path, mode: 0o660, gid: process.getgid?.() ?? 0 });
    return new Harness({ directory, engine, cluster, serverOptions, server });
  }

  /** Connections of the server that are raw streams now. */
  get takenCount(): number {
    return this.#server.takenCount;
  }

  get dockerHost(): string {
    return `unix://${this.socketPath}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.close();
    await rm(this.#directory, { recursive: true, force: true });
  }

  /** One plain request. @param body - A string is sent as it is, other values as JSON. */
  async call(
    method: string,
    path: string,
    { body, headers = {} }: { readonly body?: unknown; readonly headers?: Record<string, string> } = {},
  ): Promise<Reply> {
    const payload = body === undefined ? undefined : typeof body === "string" ? body : JSON.stringify(body);
    const type =
      payload === undefined ? {} : { "Content-Type": "application/json", "Content-Length": String(Buffer.byteLength(payload)) };
    return new Promise((resolve, reject) => {
      const options = { socketPath: this.socketPath, method, path, headers: { ...type, ...headers }, agent: false as const };
      const call = request(options, response => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", reject);
        response.on("end", () => {
          const text = Buffer.concat(chunks).toString();
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text, json: parsed(text) });
        });
      });
      call.on("error", reject);
      call.end(payload);
    });
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
