import type { Duplex } from "node:stream";
import type { ChildProcess } from "../../ports/process.ts";
import type { ShimStreams } from "./shim.ts";
import { StreamSubscribers } from "./stream-subscribers.ts";

/**
 * Streams over a child's own pipes. Nothing is read, so nothing lost, before somebody listens.
 *
 * @param isBegun - Whether the program came to run; what the runtime writes to stderr when it did not is no output of the program.
 */
export function pipeStreams({ pipes }: Pick<ChildProcess, "pipes">, isBegun: Promise<boolean>): ShimStreams {
  const [stdin, stdout, stderr] = pipes;
  const outputs = [...named("stdout", stdout), ...named("stderr", stderr).map(output => ({ ...output, isWanted: isBegun }))];
  return joinStreams({ stdin, outputs, closesStdin: true });
}

/** A terminal is one stream both ways: it cannot be half closed. `undefined`: the program never got one. */
export function terminalStreams(terminal: Duplex | undefined): ShimStreams {
  return joinStreams({ stdin: terminal, outputs: named("stdout", terminal), closesStdin: false });
}

interface Output {
  readonly name: "stdout" | "stderr";
  readonly stream: Duplex;
  /** It is read once this is true, and thrown away if it is false. */
  readonly isWanted?: Promise<boolean>;
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
  let isPaused = false;
  const flowing = new Set<Duplex>(); // The others have no listener yet: to resume them would lose what they hold.
  const read = ({ name, stream }: Output) => {
    flowing.add(stream);
    stream.on("data", (data: Buffer) => subscribers.publish(name, data));
    if (isPaused) stream.pause();
  };
  return {
    subscribe(onData, onEnd) {
      const unsubscribe = subscribers.subscribe(onData, onEnd);
      if (!isReading) {
        isReading = true;
        for (const output of outputs) {
          if (output.isWanted === undefined) read(output);
          else void output.isWanted.then(isWanted => (isWanted ? read(output) : output.stream.destroy()));
        }
      }
      return unsubscribe;
    },
    writeStdin: data => write(stdin, data),
    closeStdin: () => {
      if (closesStdin) stdin?.end(() => stdin.destroy());
    },
    pause: () => {
      isPaused = true;
      flowing.forEach(stream => stream.pause());
    },
    resume: () => {
      isPaused = false;
      flowing.forEach(stream => stream.resume());
    },
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
