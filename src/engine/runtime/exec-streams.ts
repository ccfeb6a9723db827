import type { Duplex } from "node:stream";
import type { ChildProcess } from "../../ports/process.ts";
import type { ShimStreams } from "./shim.ts";
import { StreamSubscribers } from "./stream-subscribers.ts";

/** Streams over a child's own pipes. Nothing is read, so nothing lost, before somebody listens. */
export function pipeStreams({ pipes }: Pick<ChildProcess, "pipes">): ShimStreams {
  const [stdin, stdout, stderr] = pipes;
  return joinStreams({ stdin, outputs: [...named("stdout", stdout), ...named("stderr", stderr)], closesStdin: true });
}

/** A terminal is one stream both ways: it cannot be half closed. `undefined`: the program never got one. */
export function terminalStreams(terminal: Duplex | undefined): ShimStreams {
  return joinStreams({ stdin: terminal, outputs: named("stdout", terminal), closesStdin: false });
}

interface Output {
  readonly name: "stdout" | "stderr";
  readonly stream: Duplex;
}

function named(name: Output["name"], stream: Duplex | undefined): readonly Output[] {
  return stream === undefined ? [] : [{ name, stream }];
}

interface Joined {
  readonly stdin: Duplex | undefined;
  readonly outputs: readonly Output[];
  readonly closesStdin: boolean;
}

function joinStreams({ stdin, outputs, closesStdin }: Joined): ShimStreams {
  const subscribers = new StreamSubscribers();
  let openOutputs = outputs.length;
  if (openOutputs === 0) subscribers.end();
  for (const { stream } of outputs) {
    // Reading a terminal whose other side is closed fails with EIO: that is its end.
    stream.on("error", () => stream.destroy());
    stream.on("end", () => stream.destroy());
    stream.on("close", () => {
      if (--openOutputs === 0) subscribers.end();
    });
  }
  stdin?.on("error", () => stdin.destroy());
  let isReading = false;
  return {
    subscribe(onData, onEnd) {
      const unsubscribe = subscribers.subscribe(onData, onEnd);
      if (!isReading) {
        isReading = true;
        for (const { name, stream } of outputs) stream.on("data", (data: Buffer) => subscribers.publish(name, data));
      }
      return unsubscribe;
    },
    writeStdin: data => write(stdin, data),
    closeStdin: () => {
      if (closesStdin) stdin?.end(() => stdin.destroy());
    },
    pause: () => outputs.forEach(({ stream }) => stream.pause()),
    resume: () => outputs.forEach(({ stream }) => stream.resume()),
  };
}

/** What a program that has ended, or closed its stdin, does not take is dropped. */
function write(stdin: Duplex | undefined, data: Uint8Array): Promise<void> {
  if (stdin === undefined || stdin.destroyed || stdin.writableEnded) return Promise.resolve();
  return new Promise(resolve => {
    stdin.once("close", resolve);
    stdin.write(data, () => {
      stdin.off("close", resolve);
      resolve();
    });
  });
}
