import { OperationError } from "../../../lib/errors.ts";
import type { LogDestination, LogDriver } from "../forward/log-driver.ts";
import type { LogMessage } from "../forward/log-message.ts";
import type { LogNetwork } from "../forward/log-network.ts";
import type { LogSubject } from "../log-subject.ts";
import { logTag } from "../log-tag.ts";
import { checkKnownOptions } from "./known-options.ts";
import { bareHost, parseLogAddress, splitHostPort } from "./log-address.ts";
import { datagramDestination, streamDestination } from "./stream-destination.ts";
import { formatSyslog, type SyslogFormat } from "./syslog-format.ts";

type Options = Readonly<Record<string, string>>;

type SyslogAddress =
  | { readonly kind: "local" }
  | { readonly kind: "unix" | "unixgram"; readonly path: string }
  | { readonly kind: "tcp" | "udp" | "tcp+tls"; readonly host: string; readonly port: number };

const OWN_OPTIONS = [
  ...["syslog-address", "syslog-facility", "syslog-format"],
  ...["syslog-tls-ca-cert", "syslog-tls-cert", "syslog-tls-key", "syslog-tls-skip-verify"],
];
/** Their numbers are their places; those that have none are reserved. */
const FACILITIES =
  "kern user mail daemon auth syslog lpr news uucp cron authpriv ftp - - - - local0 local1 local2 local3 local4 local5 local6 local7".split(
    " ",
  );
const DAEMON_FACILITY = 3;
const FORMATS: readonly string[] = ["", "rfc3164", "rfc5424", "rfc5424micro"] satisfies readonly SyslogFormat[];
const DEFAULT_PORT = 514;
const LOCAL_PATHS = ["/dev/log", "/var/run/syslog", "/var/run/log"];

export const syslogDriver: LogDriver = {
  check(options) {
    checkKnownOptions(options, { of: "syslog log driver", own: OWN_OPTIONS });
    parseAddress(options["syslog-address"]);
    parseFacility(options["syslog-facility"]);
    parseFormat(options["syslog-format"]);
  },
  route(subject) {
    const { options } = subject;
    const tag = logTag(subject);
    const address = parseAddress(options["syslog-address"]);
    const facility = parseFacility(options["syslog-facility"]);
    const format = parseFormat(options["syslog-format"]);
    const hasLength = address.kind === "tcp+tls" && (format === "rfc5424" || format === "rfc5424micro");
    const formatting = { format, facility, tag, hasLength };
    const encode = (message: LogMessage) => formatSyslog(message, { formatting, subject });
    return { connect: (network, { signal }) => connect(address, { network, options, encode, signal }) };
  },
};

function parseAddress(text: string | undefined): SyslogAddress {
  if (text === undefined || text === "") return { kind: "local" };
  const { scheme, host, path } = parseLogAddress(text);
  if (scheme === "unix" || scheme === "unixgram") return { kind: scheme, path };
  if (scheme !== "udp" && scheme !== "tcp" && scheme !== "tcp+tls") {
    throw new OperationError("invalid", `unsupported scheme: '${scheme}'`);
  }
  return { kind: scheme, ...(splitHostPort(host) ?? { host: bareHost(host), port: DEFAULT_PORT }) };
}

function parseFacility(text: string | undefined): number {
  if (text === undefined || text === "") return DAEMON_FACILITY;
  const number = text === "-" ? -1 : FACILITIES.indexOf(text);
  if (number !== -1) return number;
  if (/^\+?\d+$/.test(text) && Number(text) < FACILITIES.length) return Number(text);
  throw new OperationError("invalid", "invalid syslog facility");
}

function parseFormat(text = ""): SyslogFormat {
  if (!FORMATS.includes(text)) throw new OperationError("invalid", "Invalid syslog format");
  return text as SyslogFormat;
}

interface Connecting {
  readonly network: LogNetwork;
  readonly options: LogSubject["options"];
  readonly encode: (message: LogMessage) => Uint8Array;
  readonly signal: AbortSignal;
}

async function connect(address: SyslogAddress, connecting: Connecting): Promise<LogDestination> {
  const { network, options, encode, signal } = connecting;
  switch (address.kind) {
    case "local":
      return connectLocally(connecting);
    case "unixgram":
      return datagramDestination(await network.openDatagram({ kind: "unixgram", path: address.path }), {
        encode,
        isConfirming: true,
      });
    case "udp":
      return datagramDestination(await network.openDatagram({ ...address, kind: "udp" }), { encode, isConfirming: false });
    case "unix":
      return streamDestination(await network.connect({ kind: "unix", path: address.path }, { signal }), encode);
    case "tcp":
      return streamDestination(await network.connect({ ...address, kind: "tcp" }, { signal }), encode);
    case "tcp+tls":
      return streamDestination(await network.connect({ ...address, kind: "tls", tls: tlsFiles(options) }, { signal }), encode);
  }
}

function tlsFiles(options: Options) {
  return {
    ca: options["syslog-tls-ca-cert"],
    certificate: options["syslog-tls-cert"],
    key: options["syslog-tls-key"],
    // Its mere presence says so, in Docker too.
    skipsVerification: options["syslog-tls-skip-verify"] !== undefined,
  };
}

/** This host's own syslog, wherever it listens. */
async function connectLocally({ network, encode, signal }: Connecting): Promise<LogDestination> {
  for (const path of LOCAL_PATHS) {
    const connection = await network.openDatagram({ kind: "unixgram", path }).catch(() => undefined);
    if (connection !== undefined) return datagramDestination(connection, { encode, isConfirming: true });
  }
  for (const path of LOCAL_PATHS) {
    const connection = await network.connect({ kind: "unix", path }, { signal }).catch(() => undefined);
    if (connection !== undefined) return streamDestination(connection, encode);
  }
  throw new OperationError("unavailable", "Unix syslog delivery error");
}
