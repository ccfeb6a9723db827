import { appendFileSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { constants } from "node:os";
import { errnoCode } from "../lib/errors.ts";
import { type FailpointName, listenAtFailpoints } from "../ports/failpoint.ts";
import type { Log } from "../ports/log.ts";

/** Names a folder: there, `armed` says what happens next, and `hits` collects the names of failpoints that were passed. For fault runs alone. */
export const FAILPOINTS_VARIABLE = "SHOAL_FAILPOINTS";

/** `armed`: the next time but `skip` that this failpoint is passed. It then disarms itself. */
export interface ArmedFailpoint {
  readonly name: FailpointName;
  readonly moment: "before" | "after";
  /** `kill`: this process ends as by kill -9. Otherwise the step fails with this error number's name. */
  readonly action: "kill" | "ENOSPC" | "EIO" | "EMFILE";
  readonly skip?: number;
}

/** Does nothing unless the environment asks for it: then every failpoint costs the reading of a file. */
export function armFailpoints(directory: string | undefined, log: Log): void {
  if (directory === undefined || directory === "") return;
  log.warn({ directory }, "failpoints are on: this daemon fails on demand");
  let skipped = 0;
  listenAtFailpoints((name, moment) => {
    if (moment === "after") appendFileSync(join(directory, "hits"), `${name}\n`);
    const armed = readArmed(join(directory, "armed"));
    if (armed?.name !== name || armed.moment !== moment) return;
    if (skipped++ < (armed.skip ?? 0)) return;
    skipped = 0;
    rmSync(join(directory, "armed"));
    appendFileSync(join(directory, "hits"), `${name} ${armed.action}\n`);
    if (armed.action === "kill") process.kill(process.pid, "SIGKILL");
    else throw failureOf(name, armed.action);
  });
}

function readArmed(path: string): ArmedFailpoint | undefined {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as ArmedFailpoint;
  } catch (error) {
    if (errnoCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

function failureOf(name: FailpointName, code: Exclude<ArmedFailpoint["action"], "kill">): Error {
  return Object.assign(new Error(`${code}: ${name} failed on demand`), { code, errno: -constants.errno[code], syscall: name });
}
