/** Creates, starts and attaches to one container as a daemon would, says its pid, and waits to be killed. */
import { readFileSync } from "node:fs";
import { createConmonShim } from "../../../src/engine/runtime/conmon-shim.ts";
import type { OciRuntime } from "../../../src/engine/runtime/runtime-command.ts";
import type { ShimCreate } from "../../../src/engine/runtime/shim.ts";
import { createRuntimeHost } from "../../../src/system/runtime-host.ts";

interface Order {
  readonly runtime: OciRuntime;
  readonly conmonPath: string;
  readonly exitDirectory: string;
  readonly socketDirectory: string;
  readonly request: ShimCreate;
}

const order = JSON.parse(readFileSync(process.argv[2] ?? "", "utf8")) as Order;
const silent = (): void => undefined;
const shim = await createConmonShim({
  host: createRuntimeHost(),
  log: { debug: silent, info: silent, warn: silent, error: silent },
  conmonPath: order.conmonPath,
  runtimes: new Map([[order.runtime.name, order.runtime]]),
  defaultRuntime: () => order.runtime.name,
  exitDirectory: order.exitDirectory,
  socketDirectory: order.socketDirectory,
  conmonCgroup: "/shrt/conmon",
});
const container = await shim.create(order.request);
await container.start();
process.stdout.write(`${JSON.stringify({ pid: container.pid, pidStartTicks: container.pidStartTicks })}\n`);
setInterval(silent, 1_000);
