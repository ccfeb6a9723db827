import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Outcome } from "../cli/programs.ts";

const RUN_MS = 20_000;

export interface BareRun {
  /** `crun` or `runc`. */
  readonly runtime: string;
  readonly bundle: string;
  readonly id: string;
  /** Whose network the "host" is. */
  readonly networkNamespace: string;
}

/** Runs a bundle by a runtime alone, on a terminal where it wants one. */
export async function runBare({ runtime, bundle, id, networkNamespace }: BareRun): Promise<Outcome> {
  const { process } = JSON.parse(readFileSync(`${bundle}/config.json`, "utf8")) as { process: { terminal: boolean } };
  const args = [`--net=${networkNamespace}`, "--", runtime, "run", "--bundle", bundle, id];
  return process.terminal ? onTerminal("nsenter", args) : onPipes("nsenter", args);
}

function onPipes(program: string, args: readonly string[]): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"], timeout: RUN_MS, killSignal: "SIGKILL" });
    const output = { stdout: "", stderr: "" };
    child.stdout.on("data", (chunk: Buffer) => (output.stdout += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (output.stderr += chunk.toString()));
    child.once("error", reject);
    child.once("close", code => resolve({ exitCode: code ?? -1, ...output }));
  });
}

interface Terminal {
  kill(signal: string): void;
  onData(listener: (data: string) => void): void;
  onExit(listener: (exit: { readonly exitCode: number }) => void): void;
}

const pty = createRequire(import.meta.url)("@lydell/node-pty") as {
  spawn(file: string, args: readonly string[], options: object): Terminal;
};

const ESCAPE = String.fromCharCode(27);
/** What is still in the terminal when its process has ended, crun 1.8 passes on as if it were a message of its own, with a time and in red. */
const IN_RED = new RegExp(`${ESCAPE}\\[1;31m\\S+Z: ([^]*)${ESCAPE}\\[0m\\n`);

function onTerminal(program: string, args: readonly string[]): Promise<Outcome> {
  return new Promise(resolve => {
    const terminal = pty.spawn(program, args, { env: process.env });
    const limit = setTimeout(() => terminal.kill("SIGKILL"), RUN_MS);
    let stdout = "";
    terminal.onData(data => (stdout += data));
    terminal.onExit(({ exitCode }) => {
      clearTimeout(limit);
      resolve({ exitCode, stdout: stdout.replace(IN_RED, "$1"), stderr: "" });
    });
  });
}
