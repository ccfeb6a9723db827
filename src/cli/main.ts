import { homedir } from "node:os";
import { join } from "node:path";
import { readFileSync } from "node:fs";
import { type ClientTls, parseDockerHost } from "../api/client/address.ts";
import { ApiClient } from "../api/client/client.ts";
import type { CliContext, Json } from "./context.ts";
import { createProgram, runProgram } from "./program.ts";

const DEFAULT_HOST = "unix:///run/shoal/shoal.sock";

function connect({ host }: { readonly host?: string }): CliContext {
  const client = new ApiClient(parseDockerHost(host ?? process.env["DOCKER_HOST"] ?? DEFAULT_HOST, tlsFromEnvironment()));
  return {
    client,
    api: { json: async (method, path, options) => (await client.json(method, path, options)) as Json },
    stdout: text => void process.stdout.write(text),
    stderr: text => void process.stderr.write(text),
    nowMs: () => Date.now(),
    sleep: ms => new Promise(resolve => setTimeout(resolve, ms)),
  };
}

/** DOCKER_TLS_VERIFY and DOCKER_CERT_PATH, as Docker's CLI reads them. */
function tlsFromEnvironment(): ClientTls | undefined {
  if (!process.env["DOCKER_TLS_VERIFY"]) return undefined;
  const directory = process.env["DOCKER_CERT_PATH"] ?? join(homedir(), ".docker");
  const read = (name: string): string => readFileSync(join(directory, name), "utf8");
  return { verifies: true, ca: read("ca.pem"), certificate: read("cert.pem"), key: read("key.pem") };
}

// A reader that has gone (`shoal ps | head -1`) is no failure of ours.
process.stdout.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 0 : 1));
process.exitCode = await runProgram(createProgram(connect), process.argv.slice(2), text => process.stderr.write(text));
