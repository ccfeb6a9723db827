import type { Exec } from "../ports/exec.ts";
import type { Spawner } from "../ports/process.ts";
import { type ConsoleListener, listenForConsole } from "./console-socket.ts";
import { createExec } from "./exec.ts";
import { watchProcess } from "./process-watch.ts";
import { connectPacketSocket } from "./seqpacket.ts";
import { createSpawner } from "./spawn.ts";

/** What the engine's runtime asks of the system, in one object. */
export interface SystemRuntimeHost {
  readonly spawner: Spawner;
  readonly exec: Exec;
  readonly connectPacketSocket: typeof connectPacketSocket;
  readonly watchProcess: typeof watchProcess;
  listenForConsole(path: string): Promise<ConsoleListener>;
}

export function createRuntimeHost(): SystemRuntimeHost {
  const spawner = createSpawner();
  return { spawner, exec: createExec(spawner), connectPacketSocket, watchProcess, listenForConsole };
}
