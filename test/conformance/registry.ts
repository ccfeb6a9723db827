import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Where it is in its namespace: on loopback, where engines do without TLS. */
export const REGISTRY = "127.0.0.1:5000";
const READY = "listening on";
const START_MS = 10_000;
/** bcrypt of `right`. */
const PASSWORDS = "someone:$2b$04$abcdefghijklmnopqrstuuFmEfrkTQnczNzw475xE2VhDrK1uwJiC\n";

/** A real registry in a network namespace, which takes `someone` with the password `right`. Disposing it takes it away. */
export class Registry implements AsyncDisposable {
  readonly #process: ChildProcess;
  readonly #directory: string;

  private constructor(process: ChildProcess, directory: string) {
    this.#process = process;
    this.#directory = directory;
  }

  static async start(namespace: string): Promise<Registry> {
    const program = execFileSync("bash", ["test/oracle/real-docker.sh", "registry"], { encoding: "utf8" }).trim();
    const directory = mkdtempSync(join(tmpdir(), "shoal-registry-"));
    writeFileSync(join(directory, "passwords"), PASSWORDS);
    writeFileSync(join(directory, "config.json"), JSON.stringify(configIn(directory)));
    const args = [`--net=/run/netns/${namespace}`, program, "serve", join(directory, "config.json")];
    const process = spawn("nsenter", args, { stdio: ["ignore", "ignore", "pipe"] });
    const registry = new Registry(process, directory);
    try {
      await registry.#ready();
    } catch (error) {
      await registry[Symbol.asyncDispose]();
      throw error;
    }
    return registry;
  }

  #ready(): Promise<void> {
    return new Promise((resolve, reject) => {
      let said = "";
      const limit = setTimeout(() => reject(new Error(`the registry did not start: ${said}`)), START_MS);
      this.#process.stderr?.on("data", (chunk: Buffer) => {
        said += chunk.toString();
        if (!said.includes(READY)) return;
        clearTimeout(limit);
        resolve();
      });
      this.#process.on("exit", () => reject(new Error(`the registry ended: ${said}`)));
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      const ended = new Promise(resolve => this.#process.once("exit", resolve));
      this.#process.kill("SIGKILL");
      await ended;
    }
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

function configIn(directory: string): object {
  return {
    version: 0.1,
    storage: { filesystem: { rootdirectory: join(directory, "data") } },
    http: { addr: REGISTRY },
    auth: { htpasswd: { realm: "shoal", path: join(directory, "passwords") } },
  };
}
