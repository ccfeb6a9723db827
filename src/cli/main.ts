import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { type ClientTls, parseDockerHost } from "../api/client/address.ts";
import { ApiClient } from "../api/client/client.ts";
import { type CliContext, CliError, isCliError, type Json } from "./context.ts";
import { chosenContext, contexts, DEFAULT_CONTEXT } from "./contexts.ts";
import { type ConnectOptions, runProgram } from "./program.ts";
import { CLIENT } from "./version.ts";

const DEFAULT_HOST = "unix:///run/shoal/shoal.sock";

function connect(options: ConnectOptions): CliContext {
  const contextName = chosenContext(options);
  const defaultHost = options.host ?? (process.env["DOCKER_HOST"] || DEFAULT_HOST);
  let client: ApiClient | undefined;
  // Not before it is asked for: `context` works where the one that is used is gone.
  const connected = () => (client ??= clientOf({ contextName, defaultHost, options }));
  return {
    get client() {
      return connected();
    },
    api: { json: async (method, path, call) => (await connected().json(method, path, call)) as Json },
    contextName,
    defaultHost,
    stdout: text => void process.stdout.write(text),
    stderr: text => void process.stderr.write(text),
    nowMs: () => Date.now(),
    sleep: ms => new Promise(resolve => setTimeout(resolve, ms)),
  };
}

function clientOf({
  contextName,
  defaultHost,
  options,
}: {
  readonly contextName: string;
  readonly defaultHost: string;
  readonly options: ConnectOptions;
}): ApiClient {
  const { host, tls } = contextName === DEFAULT_CONTEXT ? { host: defaultHost, tls: clientTls(options) } : addressOf(contextName);
  return new ApiClient(parseDockerHost(host, tls), { apiVersion: process.env["DOCKER_API_VERSION"] });
}

function addressOf(contextName: string): ReturnType<typeof contexts.addressOf> {
  try {
    return contexts.addressOf(contextName);
  } catch (error) {
    if (!isCliError(error)) throw error;
    throw new CliError(`Failed to initialize: unable to resolve docker endpoint: ${error.message}`);
  }
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
