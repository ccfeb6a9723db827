import type { Socket } from "node:net";
import type { Server } from "node:tls";

/** Handshakes under way at once on one port. A real one takes milliseconds. */
const PENDING_MAX = 512;

/**
 * Connections that never say who they are keep nobody out: past a number of handshakes under way, each new one cuts the
 * oldest. (The server's own limit cuts the newest, whoever that is.)
 */
export function limitHandshakes(server: Server, pendingMax = PENDING_MAX): void {
  const pending = new Map<string, Socket>();
  server.on("connection", socket => {
    const end = farEnd(socket);
    pending.set(end, socket);
    socket.once("close", () => {
      if (pending.get(end) === socket) pending.delete(end);
    });
    const [oldest] = pending;
    if (pending.size <= pendingMax || oldest === undefined) return;
    pending.delete(oldest[0]);
    oldest[1].destroy();
  });
  server.on("secureConnection", socket => pending.delete(farEnd(socket)));
}

function farEnd({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}
