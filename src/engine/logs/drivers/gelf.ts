import { randomBytes } from "node:crypto";
import { promisify } from "node:util";
import { deflate, deflateSync, gzip, gzipSync, type ZlibOptions } from "node:zlib";
import { goInteger } from "../../../lib/go-values.ts";
import { OperationError } from "../../../lib/errors.ts";
import type { LogDestination, LogDriver, LogRoute } from "../forward/log-driver.ts";
import { type LogMessage, timeMsOf } from "../forward/log-message.ts";
import type { DatagramConnection } from "../forward/log-network.ts";
import { logAttributes } from "../log-attributes.ts";
import { commandOf, type LogSubject } from "../log-subject.ts";
import { logTag } from "../log-tag.ts";
import { checkKnownOptions } from "./known-options.ts";
import { parseLogAddress, splitHostPort } from "./log-address.ts";
import { streamDestination } from "./stream-destination.ts";

type Options = Readonly<Record<string, string>>;
type Compress = (data: Uint8Array) => Uint8Array | Promise<Uint8Array>;

const deflateInPool = promisify<Uint8Array, ZlibOptions, Buffer>(deflate);
const gzipInPool = promisify<Uint8Array, ZlibOptions, Buffer>(gzip);

const LEVEL = { stdout: 6, stderr: 3 } as const;
const COMPRESSION_LEVEL = 1;
const LEVEL_MIN = -1;
const LEVEL_MAX = 9;
const DATAGRAM_BYTES_MAX = 1420;
const CHUNK_HEAD_BYTES = 12;
const CHUNKS_MAX = 128;
/** Compressed beside each other in the pool. */
const AT_ONCE = 16;
/** For less the way to the pool costs more than the work: 150 us against 10. */
const POOL_BYTES_MIN = 2048;
const ZERO = Buffer.from([0]);

/** @see https://go2docs.graylog.org/current/getting_in_log_data/gelf.html */
export const gelfDriver: LogDriver = {
  check(options) {
    const { scheme } = parseAddress(options["gelf-address"]);
    for (const [name, value] of Object.entries(options)) checkOption(name, value, scheme);
    checkKnownOptions(options, {
      of: "gelf log driver",
      own: [
        ...["gelf-address", "gelf-compression-level", "gelf-compression-type"],
        ...["gelf-tcp-max-reconnect", "gelf-tcp-reconnect-delay"],
      ],
      quote: '"',
    });
  },
  route(subject) {
    const { scheme, host, port } = parseAddress(subject.options["gelf-address"]);
    const extra = extraFields(subject);
    const encode = (message: LogMessage) => gelfMessage(message, { hostname: subject.hostname, extra });
    return scheme === "udp"
      ? udpRoute({ host, port }, { encode, compress: compression(subject.options) })
      : tcpRoute({ host, port }, { encode, options: subject.options });
  },
};

function parseAddress(text = "") {
  if (text === "") throw new OperationError("invalid", "gelf-address is a required parameter");
  const { scheme, host } = parseLogAddress(text);
  if (scheme !== "udp" && scheme !== "tcp") throw new OperationError("invalid", "gelf: endpoint needs to be TCP or UDP");
  const place = splitHostPort(host);
  if (place === undefined) throw new OperationError("invalid", "gelf: please provide gelf-address as proto://host:port");
  return { scheme, ...place } as const;
}

function checkOption(name: string, value: string, scheme: "udp" | "tcp"): void {
  const isCompression = name === "gelf-compression-level" || name === "gelf-compression-type";
  if (isCompression && scheme !== "udp") throw new OperationError("invalid", "compression is only supported on UDP");
  const isLevel = /^[+-]?\d+$/.test(value) && Number(value) >= LEVEL_MIN && Number(value) <= LEVEL_MAX;
  const isUnknown =
    (name === "gelf-compression-level" && !isLevel) ||
    (name === "gelf-compression-type" && !["gzip", "zlib", "none"].includes(value));
  if (isUnknown)
    throw new OperationError("invalid", `unknown value ${JSON.stringify(value)} for log opt "${name}" for gelf log driver`);
  if (name !== "gelf-tcp-max-reconnect" && name !== "gelf-tcp-reconnect-delay") return;
  if (scheme !== "tcp") throw new OperationError("invalid", `"${name}" is only valid for TCP`);
  if (!/^\+?\d+$/.test(value)) throw new OperationError("invalid", `"${name}" must be a positive integer`);
}

function extraFields(subject: LogSubject): Readonly<Record<string, string>> {
  const attributes = Object.entries(logAttributes(subject.options, subject));
  return {
    _command: commandOf(subject),
    _container_id: subject.id,
    _container_name: subject.name,
    _created: new Date(subject.createdAtMs).toISOString(),
    _image_id: subject.imageId,
    _image_name: subject.imageName,
    _tag: logTag(subject),
    ...Object.fromEntries(attributes.map(([name, value]) => [name.startsWith("_") ? name : `_${name}`, value])),
  };
}

/** Empty lines are not sent: the message may not be empty. */
function gelfMessage(
  message: LogMessage,
  { hostname, extra }: { readonly hostname: string; readonly extra: Readonly<Record<string, string>> },
): Uint8Array {
  const fields = {
    version: "1.1",
    host: hostname,
    short_message: Buffer.from(message.line).toString(),
    timestamp: timeMsOf(message) / 1000,
    level: LEVEL[message.stream],
    ...extra,
  };
  return Buffer.from(JSON.stringify(fields));
}

function hasText({ line }: LogMessage): boolean {
  return line.length > 0;
}

function compression(options: Options): Compress {
  const level = options["gelf-compression-level"];
  const settings: ZlibOptions = { level: level === undefined ? COMPRESSION_LEVEL : goInteger(level) };
  switch (options["gelf-compression-type"]) {
    case "none":
      return data => data;
    case "zlib":
      return data => (data.length < POOL_BYTES_MIN ? deflateSync(data, settings) : deflateInPool(data, settings));
    default:
      return data => (data.length < POOL_BYTES_MIN ? gzipSync(data, settings) : gzipInPool(data, settings));
  }
}

interface Place {
  readonly host: string;
  readonly port: number;
}

function udpRoute(
  place: Place,
  { encode, compress }: { readonly encode: (message: LogMessage) => Uint8Array; readonly compress: Compress },
): LogRoute {
  return {
    async connect(network) {
      const connection = await network.openDatagram({ kind: "udp", ...place }).catch(explain(place));
      return {
        isConfirming: false,
        async send(messages, options) {
          const filled = messages.filter(hasText);
          for (let start = 0; start < filled.length; start += AT_ONCE) {
            const some = filled.slice(start, start + AT_ONCE);
            for (const data of await Promise.all(some.map(async message => compress(encode(message)))))
              await sendInChunks(connection, data, options);
          }
        },
        end: () => Promise.resolve(),
        close: () => connection.close(),
      } satisfies LogDestination;
    },
  };
}

/** What needs more chunks than the format has numbers for cannot be sent at all; a line of 16 KiB needs 12. */
async function sendInChunks(
  connection: DatagramConnection,
  data: Uint8Array,
  options: { readonly signal: AbortSignal },
): Promise<void> {
  if (data.length <= DATAGRAM_BYTES_MAX) return connection.send(data, options);
  const partBytes = DATAGRAM_BYTES_MAX - CHUNK_HEAD_BYTES;
  const count = Math.ceil(data.length / partBytes);
  if (count > CHUNKS_MAX) return undefined;
  const id = randomBytes(8);
  for (let number = 0; number < count; number++) {
    const head = Buffer.from([0x1e, 0x0f, ...id, number, count]);
    await connection.send(Buffer.concat([head, data.subarray(number * partBytes, (number + 1) * partBytes)]), options);
  }
  return undefined;
}

function tcpRoute(
  place: Place,
  { encode, options }: { readonly encode: (message: LogMessage) => Uint8Array; readonly options: Options },
): LogRoute {
  const tries = options["gelf-tcp-max-reconnect"];
  const delay = options["gelf-tcp-reconnect-delay"];
  return {
    ...(tries !== undefined && { triesMax: goInteger(tries) + 1 }),
    ...(delay !== undefined && { retryMs: goInteger(delay) * 1000 }),
    async connect(network, { signal }) {
      const connection = await network.connect({ kind: "tcp", ...place }, { signal }).catch(explain(place));
      const destination = streamDestination(connection, message => Buffer.concat([encode(message), ZERO]));
      return { ...destination, send: (messages, sending) => destination.send(messages.filter(hasText), sending) };
    },
  };
}

function explain({ host, port }: Place): (error: Error) => never {
  return error => {
    const address = host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
    throw new OperationError("unavailable", `gelf: cannot connect to GELF endpoint: ${address} ${error.message}`, {
      cause: error,
    });
  };
}
