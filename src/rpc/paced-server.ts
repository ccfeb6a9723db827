import { createServer, type Server, type Socket } from "node:net";
import type { Server as TlsServer } from "node:tls";

/** Handshakes begun in one turn of the event loop. One costs a few milliseconds, with the session that follows it. */
const PER_TURN = 2;

export interface PacedServer {
  readonly server: Server;
  /** Listens no more and cuts every connection, handed on or not: also those that whoever got them never made anything of. */
  readonly close: () => Promise<void>;
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
  const open = new Set<Socket>();
  const server = createServer({ pauseOnConnect: true, noDelay: true }, socket => {
    const leave = (): void => {
      waiting.delete(socket);
      open.delete(socket);
    };
    open.add(socket);
    socket.on("error", leave).once("close", leave);
    if (!server.listening) return void socket.destroy(); // It came in the turn in which the server was closed.
    waiting.add(socket);
    begin();
  });
  const close = async (): Promise<void> => {
    const closed = new Promise<void>(resolve => server.close(() => resolve()));
    for (const socket of open) socket.destroy();
    await closed;
  };
  return { server, close };
}
