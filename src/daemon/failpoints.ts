import { appendFileSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { getSystemErrorMap } from "node:util";
import { errnoCode } from "../lib/errors.ts";
import { type FailpointName, listenAtFailpoints } from "../ports/failpoint.ts";
import type { Log } from "../ports/log.ts";

/** Names a folder: there, `armed` says what happens next, and `hits` collects the names of failpoints that were passed. For fault runs alone. */
export const FAILPOINTS_VARIABLE = "SHOAL_FAILPOINTS";

/** What a step that fails on demand calls itself. */
export const FAILED_STEP = "ondemand";

/** `armed`: the next time but `skip` that this failpoint is passed. It then disarms itself. */
export interface ArmedFailpoint {
  readonly name: FailpointName;
  readonly moment: "before" | "after";
  /** `kill`: this process ends as by kill -9. `hold`: the step waits until the file `held`, made then, is gone. Otherwise it fails with this error number's name. */
  readonly action: "kill" | "hold" | "ENOSPC" | "EIO" | "EMFILE";
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
    if (armed?.name !== name || armed.moment !== moment) return undefined;
    if (skipped++ < (armed.skip ?? 0)) return undefined;
    skipped = 0;
    rmSync(join(directory, "armed"));
    appendFileSync(join(directory, "hits"), `${name} ${armed.action}\n`);
    switch (armed.action) {
      case "kill":
        process.kill(process.pid, "SIGKILL");
        return undefined;
      case "hold":
        return held(join(directory, "held"));
      default:
        throw failureOf(name, armed.action);
    }
  });
}

const HELD_POLL_MS = 5;

async function held(path: string): Promise<void> {
  writeFileSync(path, "");
  while (existsSync(path)) await new Promise(resolve => setTimeout(resolve, HELD_POLL_MS));
}

function readArmed(path: string): ArmedFailpoint | undefined {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as ArmedFailpoint;
  } catch (error) {
    if (errnoCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

/** As Node's own. */
function failureOf(name: FailpointName, code: Exclude<ArmedFailpoint["action"], "kill" | "hold">): Error {
  const errno = -constants.errno[code];
  const [, text = ""] = getSystemErrorMap().get(errno) ?? [];
  return Object.assign(new Error(`${code}: ${text}, ${FAILED_STEP} '${name}'`), {
    code,
    errno,
    syscall: FAILED_STEP,
    path: name,
  });
}
