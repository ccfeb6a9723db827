import { join } from "node:path";
import type { PacketSocket, RuntimeHost } from "./host.ts";
import type { ShimStreams } from "./shim.ts";
import { StreamSubscribers } from "./stream-subscribers.ts";

/** conmon marks each packet with the stream it came from. */
const STDERR_MARK = 3;

export interface AttachConnection extends ShimStreams {
  close(): void;
  readonly hasEnded: boolean;
}

/**
 * The connection to a container's conmon. conmon waits for a reader that is slow, and with it the container and even the news of its
 * end: so every packet is read when it comes, and a listener that cannot keep up is its own owner's care.
 *
 * @throws when conmon does not listen (any more).
 */
export function openAttachConnection(
  host: Pick<RuntimeHost, "connectPacketSocket">,
  { bundlePath, isStdinOnce }: { readonly bundlePath: string; readonly isStdinOnce: boolean },
): AttachConnection {
  const subscribers = new StreamSubscribers();
  const socket: PacketSocket = host.connectPacketSocket(join(bundlePath, "attach"), {
    onPacket: packet => subscribers.publish(packet[0] === STDERR_MARK ? "stderr" : "stdout", packet.subarray(1)),
    onEnd: () => subscribers.end(),
  });
  return {
    subscribe: (onData, onEnd) => subscribers.subscribe(onData, onEnd),
    writeStdin: data => writeIgnoringEnd(socket, data),
    // Otherwise stdin stays open for the next client, who could no longer write.
    closeStdin: () => {
      if (isStdinOnce) socket.endWriting();
    },
    pause: () => socket.pause(),
    resume: () => socket.resume(),
    close: () => socket.close(),
    get hasEnded() {
      return subscribers.hasEnded;
    },
  };
}

/** A container that ended takes no more input; who writes learns of the end by `exit`. */
async function writeIgnoringEnd(socket: PacketSocket, data: Uint8Array): Promise<void> {
  await socket.write(data).catch(() => undefined);
}
