import type { ContainerLog, LogPosition } from "./container-log.ts";
import type { OutputStream } from "./cri-line.ts";
import { readLog } from "./read-log.ts";

export type StreamBytes = Readonly<Record<OutputStream, number>>;

/** Where the output of one run is in its container's log: the same bytes that are read live, file by file. */
export class RunLog {
  readonly log: ContainerLog;
  /** Where the log ended when the run began. */
  readonly start: LogPosition;
  /** Bytes of this run before each file; the files before the first one have none. */
  readonly #bytesBefore = new Map<number, StreamBytes>();

  constructor(log: ContainerLog, start: LogPosition) {
    this.log = log;
    this.start = start;
    this.#bytesBefore.set(start.file, { stdout: 0, stderr: 0 });
  }

  /** Where to read on for someone who has had `taken` of the `wants` streams: a place in the log, and how much from there he has had. */
  locate(
    taken: StreamBytes,
    wants: ReadonlySet<OutputStream>,
  ): { readonly position: LogPosition; readonly skipBytes: StreamBytes } {
    let file = this.start.file;
    let before: StreamBytes = { stdout: 0, stderr: 0 };
    for (const [candidate, bytes] of this.#bytesBefore) {
      if (candidate < file || [...wants].some(stream => bytes[stream] > taken[stream])) continue;
      file = candidate;
      before = bytes;
    }
    const position = file === this.start.file ? this.start : { file, offsetBytes: 0 };
    const skip = (stream: OutputStream) => Math.max(0, taken[stream] - before[stream]);
    return { position, skipBytes: { stdout: skip("stdout"), stderr: skip("stderr") } };
  }

  /** Counts a file that is finished, before it may be dropped. */
  async countFile(file: number): Promise<void> {
    const before = this.#bytesBefore.get(file);
    if (before === undefined) return;
    const bytes: Record<OutputStream, number> = { ...before };
    const end = new AbortController();
    const from = file === this.start.file ? this.start : { file, offsetBytes: 0 };
    for await (const entries of readLog(this.log, { from, isFollowing: false, untilFile: file, signal: end.signal })) {
      for (const { stream, content, isPartial } of entries) bytes[stream] += content.length + (isPartial ? 0 : 1);
    }
    this.#bytesBefore.set(file + 1, bytes);
  }
}
