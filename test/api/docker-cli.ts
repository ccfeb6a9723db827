import { execFile, execFileSync } from "node:child_process";

export interface CliResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

const TIMEOUT_MS = 15_000;

/** Whether the machine has Docker's own CLI. */
export function hasDockerCli(): boolean {
  try {
    execFileSync("docker", ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/** Runs Docker's own CLI against a server. */
export async function docker(host: string, args: readonly string[], { stdin = "" } = {}): Promise<CliResult> {
  return new Promise(resolve => {
    const env = { ...process.env, DOCKER_HOST: host };
    const child = execFile("docker", [...args], { env, timeout: TIMEOUT_MS }, (error, stdout, stderr) => {
      const exitCode = error === null ? 0 : typeof error.code === "number" ? error.code : -1;
      resolve({ exitCode, stdout, stderr });
    });
    child.stdin?.end(stdin);
  });
}
