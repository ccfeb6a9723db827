import { mkdtempSync, rmSync } from "node:fs";
import { Agent, createServer, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Engine } from "../oracle/engines.ts";
import { both, type Engines, socketOf, timed } from "./docker.ts";
import { compareTimes } from "./gates.ts";
import { round, summarize } from "./statistics.ts";

const RUNS = 30;
const SPECIFICATION = { Image: "busybox", Cmd: ["true"] };

/** What the engines themselves take for a create and a removal: by the API, over a connection that stays open, without a client's start. */
export async function compareCalls(engines: Engines): Promise<void> {
  const times = {
    create: { real: [] as number[], ours: [] as number[] },
    remove: { real: [] as number[], ours: [] as number[] },
  };
  const agents = { real: new Agent({ keepAlive: true }), ours: new Agent({ keepAlive: true }) };
  for (let run = -1; run < RUNS; run++) {
    for (const engine of both(engines)) {
      const agent = agents[engine.name];
      const made = await call(engine, { agent, method: "POST", path: "/containers/create", body: SPECIFICATION });
      const { Id } = JSON.parse(made.text) as { readonly Id: string };
      const removed = await call(engine, { agent, method: "DELETE", path: `/containers/${Id}` });
      if (run < 0) continue; // The first warms them.
      times.create[engine.name].push(made.ms);
      times.remove[engine.name].push(removed.ms);
    }
  }
  for (const agent of Object.values(agents)) agent.destroy();
  compareTimes("create by the API", times.create, Infinity);
  compareTimes("rm by the API", times.remove, Infinity);
  const sum = (side: "real" | "ours") => times.create[side].map((ms, index) => ms + (times.remove[side][index] ?? 0));
  compareTimes("create and rm by the API", { real: sum("real"), ours: sum("ours") }, Infinity);
  await tellClientsShare();
}

/** What the client takes with an engine that does nothing: it answers at once. */
async function tellClientsShare(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "nothing-"));
  const server = createServer((incoming, response) => {
    response.setHeader("Api-Version", "1.51");
    response.setHeader("Content-Type", "application/json");
    if (incoming.method === "POST") response.writeHead(201).end(JSON.stringify({ Id: "0".repeat(64), Warnings: [] }));
    else if (incoming.method === "DELETE") response.writeHead(204).end();
    else response.end("OK");
  });
  const socket = join(folder, "sock");
  await new Promise<void>(resolve => server.listen(socket, resolve));
  const nothing = { dockerHost: `unix://${socket}` };
  const times: number[] = [];
  for (let run = 0; run < RUNS; run++)
    times.push((await timed(nothing, ["create", "--name", "made", "busybox", "true"])) + (await timed(nothing, ["rm", "made"])));
  console.log(`create and rm of an engine that does nothing, the client alone: ${round(summarize(times).median)} ms`);
  server.closeAllConnections();
  await new Promise(resolve => server.close(resolve));
  rmSync(folder, { recursive: true });
}

interface Call {
  readonly agent: Agent;
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
}

function call(engine: Engine, { agent, method, path, body }: Call): Promise<{ readonly ms: number; readonly text: string }> {
  const startedMs = performance.now();
  return new Promise((resolve, reject) => {
    const headers = body === undefined ? {} : { "Content-Type": "application/json" };
    request({ socketPath: socketOf(engine), agent, method, path, headers }, response => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => {
        const text = Buffer.concat(chunks).toString("utf8");
        if ((response.statusCode ?? 500) < 300) resolve({ ms: performance.now() - startedMs, text });
        else reject(new Error(`${method} ${path}: ${response.statusCode} ${text}`));
      });
    })
      .on("error", reject)
      .end(body === undefined ? undefined : JSON.stringify(body));
  });
}
