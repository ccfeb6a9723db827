import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { type ClientTls, parseDockerHost } from "../api/client/address.ts";
import { ApiClient } from "../api/client/client.ts";
import type { CliContext, Json } from "./context.ts";
import { type ConnectOptions, runProgram } from "./program.ts";
import { CLIENT } from "./version.ts";

const DEFAULT_HOST = "unix:///run/shoal/shoal.sock";

function connect(options: ConnectOptions): CliContext {
  const address = parseDockerHost(options.host ?? process.env["DOCKER_HOST"] ?? DEFAULT_HOST, clientTls(options));
  const client = new ApiClient(address, { apiVersion: process.env["DOCKER_API_VERSION"] });
  return {
    client,
    api: { json: async (method, path, call) => (await client.json(method, path, call)) as Json },
    stdout: text => void process.stdout.write(text),
    stderr: text => void process.stderr.write(text),
    nowMs: () => Date.now(),
    sleep: ms => new Promise(resolve => setTimeout(resolve, ms)),
  };
}

/** The `--tls*` flags, else DOCKER_TLS_VERIFY and DOCKER_CERT_PATH, as Docker's CLI reads them. */
function clientTls(options: ConnectOptions): ClientTls | undefined {
  const verifies = options.tlsverify ?? Boolean(process.env["DOCKER_TLS_VERIFY"]);
  if (!verifies && options.tls !== true) return undefined;
  const directory = process.env["DOCKER_CERT_PATH"] ?? join(homedir(), ".docker");
  return {
    verifies,
    ...(verifies && { ca: readFileSync(options.tlscacert ?? join(directory, "ca.pem"), "utf8") }),
    certificate: readFileSync(options.tlscert ?? join(directory, "cert.pem"), "utf8"),
    key: readFileSync(options.tlskey ?? join(directory, "key.pem"), "utf8"),
  };
}

// A reader that has gone (`shoal ps | head -1`) is no failure of ours.
process.stdout.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 0 : 1));
const exitCode = await runProgram(process.argv.slice(2), {
  connect,
  stdout: text => void process.stdout.write(text),
  stderr: text => void process.stderr.write(text),
  version: `Shoal version ${CLIENT.version}, build ${CLIENT.commit || "unknown"}`,
});
// Not left to run out by itself: an input that nobody reads any more would keep the process.
process.exit(exitCode);
