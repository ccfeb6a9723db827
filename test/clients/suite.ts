import { spawn } from "node:child_process";
import type { Outcome } from "../oracle/compare.ts";
import type { Engine } from "../oracle/engines.ts";
import type { TestResult } from "./judge.ts";

/** An engine to run a suite on. */
export interface Target {
  readonly engine: Engine;
  /** The network namespace in which its published ports are. */
  readonly namespace: string;
  /** A folder of this engine's own. */
  readonly folder: string;
}

export interface Suite {
  /** As it is named on the command line. */
  readonly name: string;
  /** As it stands in the table. */
  readonly title: string;
  /** What has to be there to run it, in words; nothing when all is. */
  readonly lacks: () => string | undefined;
  /** Whether it may run on both engines at once. */
  readonly isShared: boolean;
  /** Whatever both engines need beforehand: images, as tars in a folder. */
  readonly images: (folder: string) => Promise<readonly Image[]>;
  readonly run: (target: Target) => Promise<readonly TestResult[]>;
}

/** An image that is made on the spot: its name, its root file system, and Dockerfile instructions. */
export interface Image {
  readonly name: string;
  readonly archive: string;
  readonly changes: readonly string[];
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  readonly limitMs: number;
}

/** Runs a command in a target's network namespace, with its DOCKER_HOST. One that takes too long is ended with all its children. */
export function runOn(
  { engine, namespace }: Target,
  command: readonly string[],
  { env, cwd, limitMs }: RunOptions,
): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn("nsenter", [`--net=/run/netns/${namespace}`, ...command], {
      cwd,
      env: { ...process.env, DOCKER_HOST: engine.dockerHost, TZ: "UTC", ...env },
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
    let [stdout, stderr] = ["", ""];
    const limit = setTimeout(() => {
      stderr += `it did not end within ${limitMs / 1000} s\n`;
      if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
    }, limitMs);
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8");
    child.stdout.on("data", chunk => (stdout += chunk));
    child.stderr.on("data", chunk => (stderr += chunk));
    child.on("error", reject);
    child.on("close", code => {
      clearTimeout(limit);
      resolve({ exitCode: code ?? 1, stdout, stderr });
    });
  });
}
