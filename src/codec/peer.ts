import type { TaskLogLine, TaskLogsRequest } from "../model/task-logs.ts";
import type * as wire from "../gen/peer.ts";
import { type Codec, flag, id, number, optional, type OptionalCodec, record, text } from "./combinators.ts";

/** A number of ns does not fit into a double; "" is none. */
const timeNs: OptionalCodec<bigint | undefined, string> = {
  isOptional: true,
  toWire: value => (value === undefined ? "" : String(value)),
  fromWire: value => (/^\d+$/.test(value) ? BigInt(value) : undefined),
};

export const taskLogsRequest = record<TaskLogsRequest, wire.TaskLogsRequest>({
  taskId: id(),
  follow: flag,
  wantsStdout: flag,
  wantsStderr: flag,
  timestamps: flag,
  details: flag,
  origin: text,
  sinceNs: timeNs,
  untilNs: timeNs,
  tail: optional(number),
});

export const logBatch: Codec<readonly TaskLogLine[], wire.LogBatch> = {
  toWire: lines => ({ lines: lines.map(({ stream, data }) => ({ isStderr: stream === "stderr", data: Buffer.from(data) })) }),
  fromWire: ({ lines }) => lines.map(({ isStderr, data }) => ({ stream: isStderr ? "stderr" : "stdout", data })),
};
