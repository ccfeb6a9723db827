import { request } from "node:http";
import type { Duplex } from "node:stream";
import { errorMessage } from "../../lib/errors.ts";
import type { ProbeOutput } from "./output.ts";
import type { HealthProbe } from "./settings.ts";

const STATUS_OK_MIN = 200;
const STATUS_OK_MAX = 399;

export interface NetworkProbe {
  readonly probe: Exclude<HealthProbe, { readonly kind: "exec" }>;
  /** Opens a connection from inside the container's network. */
  readonly connect: (options: { readonly signal: AbortSignal }) => Promise<Duplex>;
  readonly output: ProbeOutput;
  readonly signal: AbortSignal;
}

/** Speaks to a container over the network. @returns 0 when it answers well, else 1. @throws the signal's reason. */
export async function probeNetwork(options: NetworkProbe): Promise<0 | 1> {
  const { probe, output, signal } = options;
  try {
    const socket = await options.connect({ signal });
    try {
      return probe.kind === "tcp" ? 0 : await askHttp(socket, { ...options, probe });
    } finally {
      socket.destroy();
    }
  } catch (error) {
    signal.throwIfAborted();
    output.add(Buffer.from(errorMessage(error)));
    return 1;
  }
}

type HttpProbe = NetworkProbe & { readonly probe: Extract<HealthProbe, { readonly kind: "http" }> };

/** The body is read only where the status says that something is wrong, and no more of it than is kept. */
function askHttp(socket: Duplex, { probe, output, signal }: HttpProbe): Promise<0 | 1> {
  return new Promise((resolve, reject) => {
    const asked = request({
      method: "GET",
      path: probe.path,
      headers: { host: `${probe.address}:${probe.port}`, "user-agent": "shoal-health" },
      createConnection: () => socket,
      signal,
    });
    asked.on("error", reject);
    asked.on("response", response => {
      const status = response.statusCode ?? 0;
      output.add(Buffer.from(`HTTP/${response.httpVersion} ${status} ${response.statusMessage ?? ""}\n`));
      if (status >= STATUS_OK_MIN && status <= STATUS_OK_MAX) {
        resolve(0);
        return;
      }
      response.on("data", (data: Buffer) => {
        output.add(data);
        if (output.isFull) response.destroy();
      });
      response.on("error", () => undefined);
      response.on("close", () => resolve(1));
    });
    asked.end();
  });
}
