import { createServer, type Server, type Socket } from "node:net";
import type { Server as TlsServer } from "node:tls";

/** Handshakes begun in one turn of the event loop. One costs a few milliseconds, with the session that follows it. */
const PER_TURN = 2;

export interface PacedServer {
  readonly server: Server;
  /** Those that were not handed on yet; the others are for their new owner to end. */
  readonly cutWaiting: () => void;
}

/**
 * Listens in the place of a TLS server and hands it connections a few in each turn of the event loop. Where thousands come at once, as
 * the workers of a manager that is gone do, the kernel would give out all of them, and what each of them says first, in one turn: for a
 * second this manager would beat to nobody and vote for nobody. What was not handed on has not been read.
 */
export function pacedServer(tls: TlsServer, perTurn = PER_TURN): PacedServer {
  const waiting = new Set<Socket>();
  let isBegun = false;
  const handOn = (): void => {
    isBegun = false;
    let left = perTurn;
    for (const socket of waiting) {
      if (left-- === 0) return begin();
      waiting.delete(socket);
      tls.emit("connection", socket);
    }
  };
  const begin = (): void => {
    if (isBegun) return;
    isBegun = true;
    setImmediate(handOn);
  };
  const server = createServer({ pauseOnConnect: true, noDelay: true }, socket => {
    const leave = (): void => void waiting.delete(socket);
    socket.once("error", leave).once("close", leave);
    waiting.add(socket);
    begin();
  });
  return { server, cutWaiting: () => waiting.forEach(socket => socket.destroy()) };
}
