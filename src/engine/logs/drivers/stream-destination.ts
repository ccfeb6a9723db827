import type { LogDestination } from "../forward/log-driver.ts";
import type { LogMessage } from "../forward/log-message.ts";
import type { DatagramConnection, StreamConnection } from "../forward/log-network.ts";

/** A connection that says nothing back: each message is written after the other. */
export function streamDestination(connection: StreamConnection, encode: (message: LogMessage) => Uint8Array): LogDestination {
  return {
    isConfirming: false,
    closed: connection.closed,
    send: messages => connection.write(Buffer.concat(messages.map(encode))),
    end: () => connection.end(),
    close: () => connection.close(),
  };
}

/** A datagram for each message. @param isConfirming - The receiver is on this host, and what the kernel takes is in its queue. */
export function datagramDestination(
  connection: DatagramConnection,
  { encode, isConfirming }: { readonly encode: (message: LogMessage) => Uint8Array; readonly isConfirming: boolean },
): LogDestination {
  return {
    isConfirming,
    async send(messages, { signal }) {
      for (const message of messages) await connection.send(encode(message), { signal });
    },
    end: () => Promise.resolve(),
    close: () => connection.close(),
  };
}
