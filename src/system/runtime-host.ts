import type { Exec } from "../ports/exec.ts";
import type { Spawner } from "../ports/process.ts";
import { type ConsoleListener, listenForConsole } from "./console-socket.ts";
import { createExec } from "./exec.ts";
import { watchProcess } from "./process-watch.ts";
import { SealedPrograms } from "./sealed-program.ts";
import { unreadBytes } from "./pipe-fill.ts";
import { connectPacketSocket } from "./seqpacket.ts";
import { openPrivateNull } from "./private-null.ts";
import { createSpawner } from "./spawn.ts";

/** What the engine's runtime asks of the system, in one object. */
export interface SystemRuntimeHost {
  readonly spawner: Spawner;
  readonly exec: Exec;
  sealedProgram(file: string): Promise<string>;
  readonly connectPacketSocket: typeof connectPacketSocket;
  readonly watchProcess: typeof watchProcess;
  listenForConsole(path: string): Promise<ConsoleListener>;
  readonly openNull: typeof openPrivateNull;
  readonly unreadBytes: typeof unreadBytes;
}

export function createRuntimeHost(): SystemRuntimeHost {
  const spawner = createSpawner();
  const programs = new SealedPrograms();
  const sealedProgram = (file: string): Promise<string> => programs.pathOf(file);
  return {
    spawner,
    exec: createExec(spawner),
    sealedProgram,
    connectPacketSocket,
    watchProcess,
    listenForConsole,
    openNull: openPrivateNull,
    unreadBytes,
  };
}
