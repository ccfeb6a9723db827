import { execFile, execFileSync } from "node:child_process";
import { createRequire } from "node:module";
import { resolve } from "node:path";

export type Program = "docker" | "shoal";

/** Where each is. */
export const PATHS: Readonly<Record<Program, string>> = {
  docker: "docker",
  shoal: resolve(process.env["SHOAL_TEST_CLI"] ?? "bin/shoal"),
};
const RUN_MS = 20_000;
/** The version that the docker CLI speaks: both programs then read the same JSON. */
const API_VERSION = "1.50";

export interface Outcome {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Whether the docker CLI is there to compare with. */
export function hasDocker(): boolean {
  try {
    execFileSync("docker", ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/** `'quoted words'` stay together. */
export function words(line: string): readonly string[] {
  return (line.match(/'[^']*'|\S+/g) ?? []).map(word => word.replace(/^'|'$/g, ""));
}

/** What they run with to talk to a daemon. */
export function environment(socket: string): NodeJS.ProcessEnv {
  return {
    ...process.env,
    DOCKER_HOST: `unix://${socket}`,
    DOCKER_API_VERSION: API_VERSION,
    DOCKER_CONFIG: "/nonexistent",
    TZ: "UTC",
  };
}

/** Runs one command line to its end. */
export function run(program: Program, socket: string, args: readonly string[], input = ""): Promise<Outcome> {
  return new Promise(resolve => {
    const options = { env: environment(socket), timeout: RUN_MS, killSignal: "SIGKILL" } as const;
    const child = execFile(PATHS[program], [...args], options, (error, stdout, stderr) => {
      const code = error === null ? 0 : error.code;
      resolve({ exitCode: typeof code === "number" ? code : -1, stdout, stderr });
    });
    child.stdin?.on("error", () => {}); // A program that reads nothing may be gone already.
    child.stdin?.end(input);
  });
}

interface Terminal {
  write(text: string): void;
  resize(columns: number, rows: number): void;
  kill(signal?: string): void;
  onData(listener: (data: string) => void): void;
  onExit(listener: (exit: { readonly exitCode: number }) => void): void;
}

const { spawn } = createRequire(import.meta.url)("@lydell/node-pty") as {
  readonly spawn: (file: string, args: readonly string[], options: object) => Terminal;
};

/** One step of a conversation: what is to be seen, then what is done. */
export type Step = readonly [seen: RegExp, action: string | ((terminal: Terminal) => void)];

/** Runs a program on a terminal of 100 by 30 and talks to it. @returns everything it wrote; `-1` when it had to be killed. */
export function converse(
  program: Program,
  socket: string,
  { args, steps }: { readonly args: readonly string[]; readonly steps: readonly Step[] },
): Promise<Outcome> {
  return new Promise(resolve => {
    const terminal = spawn(PATHS[program], args, { cols: 100, rows: 30, env: environment(socket) });
    let stdout = "";
    let seenUpTo = 0;
    let isKilled = false;
    const remaining = [...steps];
    const timer = setTimeout(() => {
      isKilled = true;
      terminal.kill("SIGKILL");
    }, RUN_MS);
    terminal.onData(data => {
      stdout += data;
      const [step] = remaining;
      if (step === undefined || !step[0].test(stdout.slice(seenUpTo))) return;
      remaining.shift();
      seenUpTo = stdout.length;
      if (typeof step[1] === "string") terminal.write(step[1]);
      else step[1](terminal);
    });
    terminal.onExit(({ exitCode }) => {
      clearTimeout(timer);
      resolve({ exitCode: isKilled ? -1 : exitCode, stdout, stderr: "" });
    });
  });
}

/** Takes out what differs between two runs of the same program: whose name it is, ids, ages, the width that ages give a column. */
export function normalized(outcome: Outcome): Outcome {
  const plain = (text: string): string =>
    text
      .replaceAll("shoal", "docker")
      .replaceAll(/\b[0-9a-f]{64}\b/g, "ID")
      .replaceAll("SRun 'docker", "Run 'docker") // A slip in the docker CLI's own words.
      .replaceAll(/^time="[^"]*" level=error msg="Error waiting for container[^\n]*\n/gm, "")
      .replaceAll(/(?:\d+ seconds?|Less than a second|About a minute|\d+ minutes?)/g, "AGE")
      .replaceAll(/ {2,}/g, "  ")
      .replaceAll(/ +$/gm, "");
  return { exitCode: outcome.exitCode, stdout: plain(outcome.stdout), stderr: plain(outcome.stderr) };
}
