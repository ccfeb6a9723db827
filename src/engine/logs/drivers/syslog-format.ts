import type { LogMessage } from "../forward/log-message.ts";
import { timeMsOf } from "../forward/log-message.ts";
import type { LogSubject } from "../log-subject.ts";

export type SyslogFormat = "" | "rfc3164" | "rfc5424" | "rfc5424micro";

export interface SyslogFormatting {
  readonly format: SyslogFormat;
  /** 0..23. */
  readonly facility: number;
  readonly tag: string;
  /** Each message begins with its length, as RFC 5425 asks over TLS. */
  readonly hasLength: boolean;
}

const SEVERITY = { stdout: 6, stderr: 3 } as const;
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const NEWLINE = Buffer.from("\n");
const US_PER_S = 1_000_000n;

/** A line as Docker sends it to a syslog server; its time is that of the line. @see RFC 3164, RFC 5424. */
export function formatSyslog(
  message: LogMessage,
  { formatting, subject }: { readonly formatting: SyslogFormatting; readonly subject: Pick<LogSubject, "hostname" | "pid"> },
): Uint8Array {
  const { format, facility, tag, hasLength } = formatting;
  const { hostname, pid } = subject;
  const priority = facility * 8 + SEVERITY[message.stream];
  const parts = [Buffer.from(head(format, { priority, message, hostname, tag, pid })), message.line, NEWLINE];
  const whole = Buffer.concat(parts);
  return hasLength ? Buffer.concat([Buffer.from(`${whole.length} `), whole]) : whole;
}

interface HeadParts {
  readonly priority: number;
  readonly message: LogMessage;
  readonly hostname: string;
  readonly tag: string;
  readonly pid: number;
}

function head(format: SyslogFormat, { priority, message, hostname, tag, pid }: HeadParts): string {
  switch (format) {
    case "":
      return `<${priority}>${stamp(message)} ${tag}[${pid}]: `;
    case "rfc3164":
      return `<${priority}>${stamp(message)} ${hostname} ${tag}[${pid}]: `;
    case "rfc5424":
      return `<${priority}>1 ${rfc3339(message)} ${hostname} ${tag} ${pid} ${tag} - `;
    case "rfc5424micro":
      return `<${priority}>1 ${rfc3339(message, { isMicro: true })} ${hostname} ${tag} ${pid} ${tag} - `;
  }
}

/** `Jan _2 15:04:05`, local time. */
function stamp(message: LogMessage): string {
  const time = new Date(timeMsOf(message));
  const clock = [time.getHours(), time.getMinutes(), time.getSeconds()].map(two).join(":");
  return `${MONTHS[time.getMonth()]} ${String(time.getDate()).padStart(2)} ${clock}`;
}

function rfc3339(message: LogMessage, { isMicro = false } = {}): string {
  const time = new Date(timeMsOf(message));
  const day = [String(time.getFullYear()).padStart(4, "0"), two(time.getMonth() + 1), two(time.getDate())].join("-");
  const clock = [time.getHours(), time.getMinutes(), time.getSeconds()].map(two).join(":");
  const fraction = isMicro ? `.${((message.timeNs / 1000n) % US_PER_S).toString().padStart(6, "0")}` : "";
  return `${day}T${clock}${fraction}${zone(-time.getTimezoneOffset())}`;
}

function zone(minutes: number): string {
  if (minutes === 0) return "Z";
  const [hours, rest] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60];
  return `${minutes < 0 ? "-" : "+"}${two(hours)}:${two(rest)}`;
}

function two(value: number): string {
  return String(value).padStart(2, "0");
}
