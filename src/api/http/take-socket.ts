import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { defined } from "../../lib/assert.ts";

/** What Node's HTTP server hangs on its sockets, and its types do not tell. */
type HttpSocket = Socket & { readonly parser?: { unconsume?(): void } | null };

const NET_LISTENERS = new Set(["onReadableStreamEnd"]);

/**
 * Takes a socket from Node's HTTP server without the client having asked for an upgrade: bytes that look like another request
 * then pass untouched. The request must have been read to its end.
 */
export function takeSocket(response: ServerResponse): Socket {
  const socket = defined(response.socket ?? undefined, "socket of a response") as HttpSocket;
  response.detachSocket(socket);
  for (const event of ["data", "end", "error", "drain", "timeout", "close", "readable"]) {
    for (const listener of socket.listeners(event)) {
      if (!NET_LISTENERS.has(listener.name)) socket.off(event, listener as () => void);
    }
  }
  socket.parser?.unconsume?.();
  // The server replaces `on` for its sockets; the prototype's own is wanted back.
  if (Object.hasOwn(socket, "on")) Reflect.deleteProperty(socket, "on");
  if (Object.hasOwn(socket, "addListener")) Reflect.deleteProperty(socket, "addListener");
  socket.setTimeout(0);
  socket.on("error", () => socket.destroy());
  return socket;
}
