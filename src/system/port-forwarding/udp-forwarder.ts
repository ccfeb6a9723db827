import dgram from "node:dgram";
import { once } from "node:events";
import net from "node:net";
import type { Destination, OpenOrder } from "./protocol.ts";

/** A client that is silent for this long is a new one when it is back. */
const IDLE_MS = 90_000;
/** Of one port: each holds a file of the daemon's process. Beyond it new clients are not heard. */
const CLIENTS_MAX = 1_024;
/** What a client may send before its socket is ready. */
const WAITING_MAX = 16;

interface Session {
  readonly socket: dgram.Socket;
  readonly timer: NodeJS.Timeout;
  /** Missing once the socket is ready. */
  waiting: Buffer[] | undefined;
}

/** Takes packets from a socket that is bound, until it is disposed. Each client is a socket of its own towards the destination. */
export async function forwardUdp({ fd, destination }: OpenOrder): Promise<AsyncDisposable> {
  const sessions = new Map<string, Session>();
  const socket = dgram.createSocket({ type: "udp6", ipv6Only: true });
  socket.on("error", () => undefined); // A client that went away.
  socket.on("message", (packet, { address, port }) => {
    const key = `${address} ${port}`;
    const session = sessions.get(key) ?? open(key, reply => socket.send(reply, port, address, () => undefined));
    if (session === undefined) return;
    session.timer.refresh();
    if (session.waiting === undefined) session.socket.send(packet, () => undefined);
    else if (session.waiting.length < WAITING_MAX) session.waiting.push(packet);
  });

  function open(key: string, answer: (reply: Buffer) => void): Session | undefined {
    if (sessions.size >= CLIENTS_MAX) return undefined;
    const session = startSession(destination, { answer, onEnd: () => sessions.delete(key) });
    sessions.set(key, session);
    return session;
  }

  const listening = once(socket, "listening"); // It may be told at once.
  socket.bind({ fd });
  await listening;
  return {
    async [Symbol.asyncDispose]() {
      for (const session of sessions.values()) end(session);
      sessions.clear();
      await new Promise<void>(resolve => void socket.close(() => resolve()));
    },
  };
}

function startSession(
  { address, port }: Destination,
  { answer, onEnd }: { readonly answer: (reply: Buffer) => void; readonly onEnd: () => void },
): Session {
  const socket = dgram.createSocket(net.isIPv6(address) ? "udp6" : "udp4");
  const session: Session = {
    socket,
    waiting: [],
    timer: setTimeout(() => {
      onEnd();
      end(session);
    }, IDLE_MS),
  };
  socket.on("message", answer);
  socket.on("error", () => undefined); // Nobody listens in the container; the next packet may be heard.
  socket.connect(port, address, () => {
    const waiting = session.waiting ?? [];
    session.waiting = undefined;
    for (const packet of waiting) socket.send(packet, () => undefined);
  });
  return session;
}

function end({ socket, timer }: Session): void {
  clearTimeout(timer);
  socket.close();
}
