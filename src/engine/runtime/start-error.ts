import { OperationError } from "../../lib/errors.ts";

/** The program of a container or an exec could not be executed. Docker's exit code for it belongs into State.ExitCode. */
export class ExecStartError extends OperationError {
  readonly exitCode: 126 | 127;

  constructor(message: string, { exitCode, cause }: { readonly exitCode: 126 | 127; readonly cause?: unknown }) {
    super("invalid", message, { cause });
    this.exitCode = exitCode;
  }
}

export type RuntimePhase = "create" | "exec";

/** How Docker names the way down to the runtime. @see moby daemon/start.go, containerd's shim. */
const PREFIX = {
  create: "failed to create task for container: failed to create shim task: OCI runtime create failed: ",
  exec: "OCI runtime exec failed: ",
} as const satisfies Record<RuntimePhase, string>;
const PROGRAM_PREFIX = {
  create: "runc create failed: unable to start container process: ",
  exec: "exec failed: unable to start container process: ",
} as const satisfies Record<RuntimePhase, string>;

const MISSING_EXIT_CODE = 127;
const NOT_EXECUTABLE_EXIT_CODE = 126;

/** What went wrong with the program itself, in runc's words. */
interface ProgramFailure {
  readonly text: string;
  readonly exitCode: 126 | 127;
}

/**
 * The runtime's words as Docker's: crun and runc differ, and clients match on runc's.
 *
 * @param said - The message of the runtime's log.
 * @param program - What was to be run.
 */
export function translateRuntimeError(
  said: string,
  { phase, program }: { readonly phase: RuntimePhase; readonly program: string },
): OperationError {
  const cause = new Error(said);
  const failure = programFailure(said, program);
  if (failure !== undefined) {
    return new ExecStartError(`${PREFIX[phase]}${PROGRAM_PREFIX[phase]}${failure.text}`, { exitCode: failure.exitCode, cause });
  }
  if (/not a directory/i.test(said)) {
    const hint =
      "Are you trying to mount a directory onto a file (or vice-versa)? Check if the specified host path exists and is the expected type";
    return new ExecStartError(`${PREFIX[phase]}${said}: ${hint}`, { exitCode: MISSING_EXIT_CODE, cause });
  }
  return new OperationError("internal", `${PREFIX[phase]}${said === "" ? "the runtime gave no reason" : said}`, { cause });
}

function programFailure(said: string, program: string): ProgramFailure | undefined {
  const named = /executable file [`'"]([^`'"]+)[`'"]/.exec(said)?.[1] ?? /exec: "([^"]+)"/.exec(said)?.[1] ?? program;
  if (/executable file.* not found|exec: "[^"]+": (?:stat [^:]+: )?(?:no such file|executable file not found)/i.test(said)) {
    return { text: `exec: "${named}": ${missingText(named)}`, exitCode: MISSING_EXIT_CODE };
  }
  const missingCwd = /chdir (?:to )?[`'"]([^`'"]+)[`'"].*no such file/i.exec(said)?.[1];
  if (missingCwd !== undefined) {
    const text = `chdir to cwd ("${missingCwd}") set in config.json failed: no such file or directory`;
    return { text, exitCode: MISSING_EXIT_CODE };
  }
  if (/is a directory/i.test(said)) return { text: `exec: "${named}": is a directory`, exitCode: NOT_EXECUTABLE_EXIT_CODE };
  if (/(?:exec|executable).*(?:permission denied|operation not permitted|is not executable)/i.test(said)) {
    return { text: `exec: "${named}": permission denied`, exitCode: NOT_EXECUTABLE_EXIT_CODE };
  }
  return undefined;
}

/** A name is looked up, a path is not. */
function missingText(program: string): string {
  return program.includes("/") ? `stat ${program}: no such file or directory` : "executable file not found in $PATH";
}

/** The last error of a runtime's log in JSON lines; a line that is none is taken as it is. */
export function lastRuntimeError(log: string): string {
  let last = "";
  for (const line of log.split("\n")) {
    if (line.trim() === "") continue;
    const { level, msg } = parseLine(line);
    if (level === "error" || level === "fatal" || level === undefined) last = msg;
  }
  return last;
}

function parseLine(line: string): { readonly level: string | undefined; readonly msg: string } {
  try {
    const parsed: unknown = JSON.parse(line);
    if (typeof parsed === "object" && parsed !== null && "msg" in parsed && typeof parsed.msg === "string") {
      const level = "level" in parsed && typeof parsed.level === "string" ? parsed.level : undefined;
      return { level, msg: parsed.msg };
    }
  } catch {
    return { level: undefined, msg: line };
  }
  return { level: undefined, msg: line };
}
