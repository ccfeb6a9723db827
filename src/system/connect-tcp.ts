import net from "node:net";
import type { TcpTarget } from "../ports/kernel-network.ts";
import { openTcpSocket } from "./network-sockets.ts";

/** Only the socket is made inside the namespace, and it stays there: the connection is then made from the event loop as any other. */
export async function connectTcp(
  { namespacePath, address, port }: TcpTarget,
  { signal }: { readonly signal: AbortSignal },
): Promise<net.Socket> {
  signal.throwIfAborted();
  // No reading before it is connected.
  const options: net.SocketConstructorOpts & { readonly manualStart: boolean } = {
    fd: openTcpSocket(namespacePath),
    manualStart: true,
  };
  const socket = new net.Socket(options);
  const abort = (): void => void socket.destroy(signal.reason as Error);
  signal.addEventListener("abort", abort, { once: true });
  try {
    return await new Promise((resolve, reject) => {
      socket.once("error", reject);
      socket.once("connect", () => {
        socket.off("error", reject);
        resolve(socket);
      });
      socket.connect({ host: address, port });
    });
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
