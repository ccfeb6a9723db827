import { pino } from "pino";
import type { Log } from "../ports/log.ts";
import type { LogFormat, LogLevel } from "./config.ts";
import { LogFile } from "./log-file.ts";
import { textLine } from "./log-text.ts";

/** A log whose level can change. */
export type DaemonLog = Log & { setLevel(level: LogLevel): void };

export interface LogOptions {
  readonly program: string;
  readonly level: LogLevel;
  readonly format: LogFormat;
  /** Bounded in size; missing: stderr, where systemd or whoever started the daemon keeps it. */
  readonly file?: string | undefined;
}

const STDERR = 2;

/** The daemon's own log, a line an entry. @throws the system's error when the file cannot be opened. */
export function createLog({ program, level, format, file }: LogOptions): DaemonLog {
  const target = file === undefined ? pino.destination({ dest: STDERR, sync: true }) : new LogFile(file);
  const destination = format === "json" ? target : { write: (line: string) => void target.write(textLine(line)) };
  const logger = pino({ base: { program, pid: process.pid }, level }, destination);
  return {
    debug: (fields, message) => logger.debug(fields, message),
    info: (fields, message) => logger.info(fields, message),
    warn: (fields, message) => logger.warn(fields, message),
    error: (fields, message) => logger.error(fields, message),
    setLevel: next => {
      logger.level = next;
    },
  };
}
