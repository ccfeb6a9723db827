import { randomBytes } from "node:crypto";
import { OperationError } from "../../../lib/errors.ts";
import type { LogDestination, LogDriver } from "../forward/log-driver.ts";
import type { LogMessage } from "../forward/log-message.ts";
import type { StreamConnection } from "../forward/log-network.ts";
import { logAttributes } from "../log-attributes.ts";
import type { LogSubject } from "../log-subject.ts";
import { logTag } from "../log-tag.ts";
import { FLUENTD_OPTION_NAMES, type FluentdOptions, parseFluentdOptions } from "./fluentd-options.ts";
import { checkKnownOptions } from "./known-options.ts";
import { EventTime, type Packable, pack, unpackAcknowledgement } from "./msgpack.ts";

const NS_PER_S = 1_000_000_000n;
const CHUNK_ID_BYTES = 16;

/** @see https://github.com/fluent/fluentd/wiki/Forward-Protocol-Specification-v1 */
export const fluentdDriver: LogDriver = {
  check(options) {
    checkKnownOptions(options, { of: "fluentd log driver", own: FLUENTD_OPTION_NAMES });
    parseFluentdOptions(options);
  },
  route(subject) {
    const options = parseFluentdOptions(subject.options);
    const tag = logTag(subject);
    const record = recordMaker(subject);
    const { target, isAsync, triesMax, retryMs, reconnectMs, bufferBytes } = options;
    return {
      startsUnconnected: isAsync,
      triesMax,
      retryMs,
      batchBytesMax: bufferBytes,
      ...(isAsync && reconnectMs > 0 && { connectionMsMax: reconnectMs }),
      async connect(network, { signal }) {
        const connection = await network.connect(target, { signal });
        return options.asksForAck
          ? acknowledged(connection, { options, tag, record })
          : unacknowledged(connection, { options, tag, record });
      },
    };
  },
};

type RecordMaker = (message: LogMessage) => Packable;

function recordMaker(subject: LogSubject): RecordMaker {
  const attributes = logAttributes(subject.options, subject);
  return ({ stream, line, partial }) => ({
    container_id: subject.id,
    container_name: `/${subject.name}`,
    source: stream,
    log: line,
    ...attributes,
    ...(partial !== undefined && {
      partial_message: "true",
      partial_id: partial.id,
      partial_ordinal: String(partial.ordinal),
      partial_last: String(partial.isLast),
    }),
  });
}

interface Sending {
  readonly options: FluentdOptions;
  readonly tag: string;
  readonly record: RecordMaker;
}

function timeOf({ timeNs }: LogMessage, { hasNanoseconds }: FluentdOptions): Packable {
  const seconds = Number(timeNs / NS_PER_S);
  return hasNanoseconds ? new EventTime(seconds, Number(timeNs % NS_PER_S)) : seconds;
}

/** An event after the other. */
function unacknowledged(connection: StreamConnection, { options, tag, record }: Sending): LogDestination {
  return {
    isConfirming: false,
    closed: connection.closed,
    send(messages) {
      const events = messages.map(message => pack([tag, timeOf(message, options), record(message), {}]));
      return within(options.writeTimeoutMs, connection, connection.write(Buffer.concat(events)));
    },
    end: () => connection.end(),
    close: () => connection.close(),
  };
}

/** A batch at once, under an id that the server repeats when it has it. */
function acknowledged(connection: StreamConnection, { options, tag, record }: Sending): LogDestination {
  const nextAck = acknowledgements(connection);
  return {
    isConfirming: true,
    closed: connection.closed,
    async send(messages) {
      const chunk = randomBytes(CHUNK_ID_BYTES).toString("base64");
      const events = messages.map(message => [timeOf(message, options), record(message)]);
      const answer = nextAck();
      answer.catch(() => {}); // Waited for below, if the writing does not fail first.
      await within(options.writeTimeoutMs, connection, connection.write(pack([tag, events, { chunk }])));
      const acked = await within(options.readTimeoutMs, connection, answer);
      if (acked !== chunk) throw new OperationError("unavailable", "fluentd acknowledged something else");
    },
    end: () => connection.end(),
    close: () => connection.close(),
  };
}

/** @returns a function that waits for one acknowledgement. Its promise fails with the connection, or when the server says something else. */
function acknowledgements(connection: StreamConnection): () => Promise<string> {
  let rest: Buffer = Buffer.alloc(0);
  let waiting: { resolve(ack: string): void; reject(error: unknown): void } | undefined;
  let failure: unknown;
  const fail = (error: unknown) => {
    failure = error;
    waiting?.reject(error);
  };
  connection.onData(data => {
    rest = Buffer.concat([rest, data]);
    try {
      const found = unpackAcknowledgement(rest);
      if (found === undefined) return;
      rest = rest.subarray(found.usedBytes);
      waiting?.resolve(found.ack);
    } catch (error) {
      fail(error);
    }
  });
  void connection.closed.then(fail);
  return () =>
    new Promise((resolve, reject) => {
      if (failure === undefined) waiting = { resolve, reject };
      else reject(failure as Error);
    });
}

/** What is not done in time breaks the connection. */
async function within<T>(timeoutMs: number, connection: StreamConnection, work: Promise<T>): Promise<T> {
  if (timeoutMs === 0) return work;
  const timer = setTimeout(() => connection.close(), timeoutMs);
  try {
    return await work;
  } finally {
    clearTimeout(timer);
  }
}
