// The demo's client: a steady stream of requests, each on a connection of its own, none tried again. One JSON line a request goes to the log.
import { createWriteStream } from "node:fs";
import { request } from "node:http";
import { parseArgs } from "node:util";
import type { RequestRecord } from "./summary.ts";

const { values } = parseArgs({
  options: {
    targets: { type: "string" },
    port: { type: "string" },
    rate: { type: "string" },
    log: { type: "string" },
    timeout: { type: "string", default: "1000" },
  },
});
const targets = (values.targets ?? "").split(",");
const targetPort = Number(values.port);
const periodMs = 1_000 / Number(values.rate);
const timeoutMs = Number(values.timeout);
const log = createWriteStream(values.log ?? "/dev/stdout");

let sent = 0;
let pending = 0;
let isStopping = false;
const startMs = performance.now();
const timer = setInterval(sendDue, 5);
process.on("SIGTERM", stop);
process.on("SIGINT", stop);

/** Keeps to the schedule also when a timer came late: a pause is made up for, never left out. */
function sendDue(): void {
  const due = Math.floor((performance.now() - startMs) / periodMs);
  for (; sent < due; sent++) send(targets[sent % targets.length] ?? "");
}

function stop(): void {
  if (isStopping) return;
  isStopping = true;
  clearInterval(timer);
  finishWhenIdle();
}

function finishWhenIdle(): void {
  if (isStopping && pending === 0) log.end(() => process.exit(0));
}

function send(target: string): void {
  const atMs = Date.now();
  const begunMs = performance.now();
  pending++;
  let isDone = false;
  let port: number | undefined;
  const finish = (outcome: Pick<RequestRecord, "version" | "task" | "error">): void => {
    if (isDone) return;
    isDone = true;
    clearTimeout(deadline);
    pending--;
    const record: RequestRecord = {
      atMs,
      target,
      ms: Math.round(performance.now() - begunMs),
      ...(port === undefined ? {} : { port }),
      ...outcome,
    };
    log.write(`${JSON.stringify(record)}\n`);
    finishWhenIdle();
  };
  const deadline = setTimeout(() => {
    finish({ error: "timeout" });
    outgoing.destroy();
  }, timeoutMs);
  const outgoing = request(
    { host: target, port: targetPort, path: "/", agent: false, headers: { connection: "close" } },
    response => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", chunk => (body += chunk));
      response.on("error", error => finish({ error: error.message }));
      response.on("end", () => {
        const match = /version=(\S+) task=(\S+)/.exec(body);
        if (response.statusCode !== 200 || match === null)
          finish({ error: `status ${response.statusCode}, body ${JSON.stringify(body)}` });
        else finish({ version: match[1] ?? "", task: match[2] ?? "" });
      });
    },
  );
  // The kernel has chosen it once the first packet is out; a connection that is never made has no later event to tell it by.
  outgoing.on("socket", socket => setImmediate(() => (port = (socket.address() as { port?: number }).port)));
  outgoing.on("error", error => finish({ error: error.message }));
  outgoing.end();
}
