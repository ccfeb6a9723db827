import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { OperationError } from "../../lib/errors.ts";
import type { RuntimeHost } from "./host.ts";
import type { ContainerId } from "../../model/ids.ts";
import { lastRuntimeError, type RuntimePhase, translateRuntimeError } from "./start-error.ts";
import { failpoint } from "../../ports/failpoint.ts";

/** Looked for on every host, in the order in which they are preferred. */
export const BUILT_IN_RUNTIMES = ["crun", "runc"] as const;

export function isBuiltIn(name: string): boolean {
  return BUILT_IN_RUNTIMES.some(known => known === name);
}

/** A program that speaks the OCI runtime command line. */
export interface OciRuntime {
  readonly name: string;
  readonly path: string;
  /** What it can do beside the command line: crun hands over an exec's terminal and takes a compiled seccomp filter. */
  readonly kind: "crun" | "runc";
  /** More arguments before the verb, from `daemon.json`. */
  readonly args: readonly string[];
  /** Where it keeps its state. */
  readonly rootPath: string;
}

/** Arguments before the verb. */
export function globalArguments({ args, rootPath }: OciRuntime, logPath: string): readonly string[] {
  return [...args, "--root", rootPath, "--log", logPath, "--log-format", "json"];
}

export type RuntimeVerb = readonly ["start" | "pause" | "resume" | "update" | "delete", ...string[]];

/** What to run for it: crun protects itself at each start, unless it need not. */
export async function runtimeProgram(host: Pick<RuntimeHost, "sealedProgram">, { kind, path }: OciRuntime): Promise<string> {
  return kind === "crun" ? host.sealedProgram(path) : path;
}

export interface RuntimeCommand {
  readonly host: Pick<RuntimeHost, "exec" | "sealedProgram">;
  readonly runtime: OciRuntime;
  readonly bundlePath: string;
}

/** Runs one verb on one container. @throws OperationError with Docker's words for what the runtime said. */
export async function runVerb(
  { host, runtime, bundlePath }: RuntimeCommand,
  request: {
    readonly verb: RuntimeVerb;
    readonly id: ContainerId;
    readonly stdin?: string;
    readonly program?: string;
    readonly phase?: RuntimePhase;
  },
): Promise<void> {
  const { verb, id, stdin, program = "", phase } = request;
  const logPath = join(bundlePath, `${verb[0]}.log`);
  const args = [...globalArguments(runtime, logPath), ...verb, id];
  const file = await runtimeProgram(host, runtime);
  const { exitCode, stderr } = await failpoint(`runtime/${verb[0]}.spawn`, () =>
    host.exec.run(file, args, { allowFailure: true, ...(stdin === undefined ? {} : { stdin }) }),
  );
  if (exitCode === 0) return;
  const said = (await readRuntimeError(logPath)) || stderr.trim();
  if (phase !== undefined) throw translateRuntimeError(said, { phase, program });
  throw new OperationError("internal", `${runtime.name} ${verb[0]} ${id}: ${said}`);
}

/** The file is taken away, so that the next failure is not mistaken for this one. */
export async function readRuntimeError(logPath: string): Promise<string> {
  const log = await readFile(logPath, "utf8").catch(() => "");
  await rm(logPath, { force: true });
  return lastRuntimeError(log);
}
