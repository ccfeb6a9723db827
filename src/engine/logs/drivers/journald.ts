import { createHash } from "node:crypto";
import { OperationError } from "../../../lib/errors.ts";
import type { LogDriver } from "../forward/log-driver.ts";
import type { LogMessage } from "../forward/log-message.ts";
import { logAttributes } from "../log-attributes.ts";
import { type LogSubject, shortId } from "../log-subject.ts";
import { logTag } from "../log-tag.ts";
import { formatTimeNs } from "../log-time.ts";
import { checkKnownOptions } from "./known-options.ts";
import { datagramDestination } from "./stream-destination.ts";

const SOCKET_PATH = "/run/systemd/journal/socket";
const PRIORITY = { stdout: "6", stderr: "3" } as const;
const NEWLINE = 0x0a;

/** @see https://systemd.io/JOURNAL_NATIVE_PROTOCOL/ */
export const journaldDriver: LogDriver = {
  check: options => checkKnownOptions(options, { of: "journald log driver", own: [] }),
  route(subject) {
    const fields = journalFields(subject);
    return {
      async connect(network) {
        const connection = await network.openDatagram({ kind: "unixgram", path: SOCKET_PATH }).catch((cause: unknown) => {
          throw new OperationError("unavailable", "journald is not enabled on this host", { cause });
        });
        const epoch = createHash("sha256")
          .update(`${subject.id} ${performance.timeOrigin + performance.now()}`)
          .digest("hex");
        let ordinal = 0;
        const encode = (message: LogMessage) => journalEntry(message, { ...fields, ...counted(epoch, ++ordinal) });
        return datagramDestination(connection, { encode, isConfirming: true });
      },
    };
  },
};

function counted(epoch: string, ordinal: number): Readonly<Record<string, string>> {
  return { CONTAINER_LOG_EPOCH: epoch, CONTAINER_LOG_ORDINAL: String(ordinal) };
}

/** What every entry of a container has. */
export function journalFields(subject: LogSubject): Readonly<Record<string, string>> {
  const tag = logTag(subject);
  const attributes = Object.entries(logAttributes(subject.options, subject));
  return {
    CONTAINER_ID: shortId(subject.id),
    CONTAINER_ID_FULL: subject.id,
    CONTAINER_NAME: subject.name,
    CONTAINER_TAG: tag,
    IMAGE_NAME: subject.imageName,
    SYSLOG_IDENTIFIER: tag,
    ...Object.fromEntries(attributes.map(([name, value]) => [fieldName(name), value] as const).filter(([name]) => name !== "")),
  };
}

/** Upper case letters, digits and `_`, and no `_` first. */
function fieldName(name: string): string {
  return name
    .toUpperCase()
    .replace(/[^A-Z0-9]/gu, "_")
    .replace(/^_+/, "");
}

export function journalEntry(
  { stream, line, timeNs, partial }: LogMessage,
  fields: Readonly<Record<string, string>>,
): Uint8Array {
  const all: Readonly<Record<string, string>> = {
    ...fields,
    SYSLOG_TIMESTAMP: trimmedTime(formatTimeNs(timeNs)),
    ...(partial !== undefined && {
      CONTAINER_PARTIAL_ID: partial.id,
      CONTAINER_PARTIAL_ORDINAL: String(partial.ordinal),
      CONTAINER_PARTIAL_LAST: String(partial.isLast),
      ...(!partial.isLast && { CONTAINER_PARTIAL_MESSAGE: "true" }),
    }),
  };
  return Buffer.concat([
    field("PRIORITY", Buffer.from(PRIORITY[stream])),
    field("MESSAGE", line),
    ...Object.entries(all).map(([name, value]) => field(name, Buffer.from(value))),
  ]);
}

/** As Go prints it: without zeros at the end of the fraction. */
function trimmedTime(text: string): string {
  return text.replace(/\.?0*Z$/, "Z");
}

/** A value with a newline in it has its length in front. */
function field(name: string, value: Uint8Array): Buffer {
  if (!value.includes(NEWLINE)) return Buffer.concat([Buffer.from(`${name}=`), value, Buffer.from("\n")]);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(value.length));
  return Buffer.concat([Buffer.from(`${name}\n`), length, value, Buffer.from("\n")]);
}
