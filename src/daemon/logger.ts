import { pino } from "pino";
import type { Log } from "../ports/log.ts";
import type { LogLevel } from "./config.ts";

/** The daemon's own log: one JSON object a line on stderr, where systemd or whoever started it keeps it. */
export function createLog({ program, level }: { program: string; level: LogLevel }): Log & { setLevel(level: LogLevel): void } {
  const logger = pino({ base: { program, pid: process.pid }, level }, pino.destination({ dest: 2, sync: true }));
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
