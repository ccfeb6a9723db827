import { execFileSync, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { request } from "node:http";
import { dirname, join } from "node:path";
import type { Engine } from "../oracle/engines.ts";

export interface Engines {
  readonly real: Engine;
  readonly ours: Engine;
}

/** The real one first, as everywhere here. */
export function both({ real, ours }: Engines): readonly Engine[] {
  return [real, ours];
}

/** Runs the CLI against an engine. @returns what it printed. @throws Error when it fails. */
export function docker({ dockerHost }: Pick<Engine, "dockerHost">, args: readonly string[]): string {
  return execFileSync("docker", args, {
    env: { ...process.env, DOCKER_HOST: dockerHost },
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
}

/** @returns how long the CLI took, in milliseconds. @throws Error when it fails. */
export function timed({ dockerHost }: Pick<Engine, "dockerHost">, args: readonly string[]): Promise<number> {
  const startedMs = performance.now();
  return new Promise((resolve, reject) => {
    const child = spawn("docker", args, { env: { ...process.env, DOCKER_HOST: dockerHost }, stdio: "ignore" });
    child.on("error", reject);
    child.on("exit", code =>
      code === 0 ? resolve(performance.now() - startedMs) : reject(new Error(`docker ${args.join(" ")}: exit code ${code}`)),
    );
  });
}

/** Asks the API itself, without the cost of a CLI's start. @returns the parsed body. */
export function get(engine: Pick<Engine, "dockerHost">, path: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    request({ socketPath: socketOf(engine), path }, response => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => {
        const text = Buffer.concat(chunks).toString("utf8");
        if (response.statusCode === 200) resolve(JSON.parse(text));
        else reject(new Error(`GET ${path}: ${response.statusCode} ${text}`));
      });
    })
      .on("error", reject)
      .end();
  });
}

export function socketOf({ dockerHost }: Pick<Engine, "dockerHost">): string {
  return dockerHost.replace("unix://", "");
}

export function daemonPid(engine: Engine): string {
  const pidFile = join(dirname(socketOf(engine)), engine.name === "real" ? "docker.pid" : "shoald.pid");
  return readFileSync(pidFile, "utf8").trim();
}

/** Waits until `condition` holds. @throws Error after `ms`. */
export async function until(what: string, { ms, everyMs }: { ms: number; everyMs: number }, condition: () => Promise<boolean>) {
  const endMs = performance.now() + ms;
  while (!(await condition())) {
    if (performance.now() > endMs) throw new Error(`timed out: ${what}`);
    await new Promise(resolve => setTimeout(resolve, everyMs));
  }
}
