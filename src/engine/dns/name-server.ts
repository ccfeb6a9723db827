import { formatIp, parseIp } from "../../lib/ip-address.ts";
import type { Clock } from "../../ports/clock.ts";
import type { KernelNetwork, NameServerHandler } from "../../ports/kernel-network.ts";
import type { Random } from "../../ports/random.ts";
import { addressReply, decodeQuery, emptyReply, isServerFailure, nameReply, type Query } from "./dns-message.ts";

const UPSTREAM_TIMEOUT_MS = 2_000;
/** Servers asked before the client is told that it failed: musl gives up after 5 s. */
const UPSTREAM_TRIES_MAX = 2;
/** Questions of all containers that wait for other servers. */
const UPSTREAM_QUERIES_MAX = 1_024;

/** What one container may know. */
export interface NameView {
  /** Addresses of both families. `undefined`: not a name of this container's networks. Empty: known, without addresses. */
  resolve(name: string): readonly string[] | undefined;
  reverse(address: string): string | undefined;
  /** Servers for all other names, in the order in which they are tried. */
  readonly servers: readonly string[];
}

export interface NameServerOptions {
  readonly kernel: Pick<KernelNetwork, "queryNameServer">;
  readonly clock: Clock;
  readonly random: Random;
}

/** Answers the containers' questions: their networks' names itself, others by asking the host's servers. */
export class NameServer {
  readonly #options: NameServerOptions;
  #upstreamQueries = 0;

  constructor(options: NameServerOptions) {
    this.#options = options;
  }

  /** The handler of one container's sockets. */
  handlerFor(view: NameView): NameServerHandler {
    return async (message, { transport }) => {
      const query = decodeQuery(message);
      if (query === undefined) return undefined;
      return this.#answerLocally(query, { view, transport }) ?? (await this.#forward(query, { message, view, transport }));
    };
  }

  #answerLocally(
    query: Query,
    { view, transport }: { readonly view: NameView; readonly transport: "udp" | "tcp" },
  ): Uint8Array | undefined {
    if (query.type === "PTR") {
      const address = addressOfPointer(query.name);
      const name = address === undefined ? undefined : view.reverse(address);
      return name === undefined ? undefined : nameReply(query, name);
    }
    const addresses = view.resolve(query.name);
    if (addresses === undefined) return undefined;
    // A known name has no other records. Anything but "no error" here would make musl give up on the address too.
    const family = query.type === "A" ? 4 : query.type === "AAAA" ? 6 : undefined;
    if (family === undefined) return emptyReply(query, "NOERROR");
    const wanted = addresses.flatMap(address => parseIp(address) ?? []).filter(address => address.family === family);
    return addressReply(query, rotated(wanted, this.#options.random.uint32()), { transport });
  }

  async #forward(
    query: Query,
    { message, view, transport }: { readonly message: Uint8Array; readonly view: NameView; readonly transport: "udp" | "tcp" },
  ): Promise<Uint8Array> {
    if (this.#upstreamQueries >= UPSTREAM_QUERIES_MAX) return emptyReply(query, "SERVFAIL");
    this.#upstreamQueries++;
    try {
      let failure: Uint8Array | undefined;
      for (const address of view.servers.slice(0, UPSTREAM_TRIES_MAX)) {
        const reply = await this.#ask({ address, transport }, message);
        if (reply !== undefined && !isServerFailure(reply)) return reply;
        failure = reply ?? failure;
      }
      return failure ?? emptyReply(query, "SERVFAIL");
    } finally {
      this.#upstreamQueries--;
    }
  }

  async #ask(
    server: { readonly address: string; readonly transport: "udp" | "tcp" },
    message: Uint8Array,
  ): Promise<Uint8Array | undefined> {
    const { kernel, clock } = this.#options;
    try {
      return await kernel.queryNameServer(server, message, { signal: clock.timeout(UPSTREAM_TIMEOUT_MS) });
    } catch {
      return undefined; // The next server may know.
    }
  }
}

/** `4.3.2.1.in-addr.arpa`, and for IPv6 each of its 32 hexadecimal digits before `ip6.arpa`. */
function addressOfPointer(name: string): string | undefined {
  const [, reversed] = /^(\d+\.\d+\.\d+\.\d+)\.in-addr\.arpa$/.exec(name) ?? [];
  if (reversed !== undefined) return reversed.split(".").reverse().join(".");
  const [, digits] = /^((?:[0-9a-f]\.){32})ip6\.arpa$/.exec(name) ?? [];
  if (digits === undefined) return undefined;
  const value = BigInt(`0x${digits.replaceAll(".", "").split("").reverse().join("")}`);
  return formatIp({ family: 6, value });
}

function rotated<T>(values: readonly T[], draw: number): readonly T[] {
  if (values.length < 2) return values;
  const start = draw % values.length;
  return [...values.slice(start), ...values.slice(0, start)];
}
