import { readFile } from "node:fs/promises";
import type { ListenTarget, TlsOptions } from "../api/server.ts";
import { OperationError } from "../lib/errors.ts";
import type { InheritedSocket } from "../system/service-manager.ts";
import { DEFAULT_GROUP, type DaemonConfig } from "./config.ts";

const SOCKET_MODE = 0o660;
const PLAIN_PORT = 2375;
const TLS_PORT = 2376;

/** One `--host`; `fd://` may be several. @throws OperationError `invalid` for what cannot be listened on. */
export async function parseListenTarget(
  host: string,
  config: Pick<DaemonConfig, "tls" | "group">,
  inherited: readonly InheritedSocket[] = [],
): Promise<readonly ListenTarget[]> {
  const [, scheme, rest = ""] = /^(\w+):\/\/(.*)$/s.exec(host) ?? [];
  if (scheme === "unix" && rest.startsWith("/"))
    return [{ kind: "unix", path: rest, mode: SOCKET_MODE, gid: await groupId(config.group) }];
  if (scheme === "fd") return await inheritedTargets(rest, { host, config, inherited });
  if (scheme === "tcp") {
    const { hostname, port } = parseAuthority(rest, host);
    const tls = await tlsOf(config, host);
    const number = port === "" ? (tls === undefined ? PLAIN_PORT : TLS_PORT) : Number(port);
    return [{ kind: "tcp", host: hostname === "" ? "127.0.0.1" : hostname, port: number, ...(tls && { tls }) }];
  }
  throw new OperationError(
    "invalid",
    `invalid bind address (${host}): only unix:///path, tcp://host:port and fd:// are supported`,
  );
}

/** `fd://` and `fd://*` are all sockets that were handed over, `fd://4` is one. */
async function inheritedTargets(
  which: string,
  {
    host,
    config,
    inherited,
  }: {
    readonly host: string;
    readonly config: Pick<DaemonConfig, "tls">;
    readonly inherited: readonly InheritedSocket[];
  },
): Promise<readonly ListenTarget[]> {
  if (inherited.length === 0) {
    throw new OperationError("invalid", "no sockets found via socket activation: make sure the service was started by systemd");
  }
  const chosen = which === "" || which === "*" ? inherited : inherited.filter(({ fd }) => String(fd) === which);
  if (chosen.length === 0)
    throw new OperationError("invalid", `failed to find systemd socket activation file descriptor for: ${which}`);
  return await Promise.all(
    chosen.map(async ({ fd, kind }) => {
      const tls = kind === "unix" ? undefined : await tlsOf(config, host);
      return { kind: "inherited" as const, fd, ...(tls && { tls }) };
    }),
  );
}

/** How a TCP address is served; `undefined`: as it is, because the administrator said so. */
async function tlsOf({ tls }: Pick<DaemonConfig, "tls">, host: string): Promise<TlsOptions | undefined> {
  if (tls.isEnabled) return await readTls(tls);
  if (tls.isRefused) return undefined;
  throw new OperationError(
    "invalid",
    `${host}: whoever reaches this address would be root here. Use --tlsverify, or say --tls=false to serve it without protection`,
  );
}

function parseAuthority(rest: string, host: string): { readonly hostname: string; readonly port: string } {
  try {
    const { hostname, port } = new URL(`http://${rest}`);
    return { hostname: hostname.replace(/^\[|\]$/g, ""), port };
  } catch (error) {
    throw new OperationError("invalid", `invalid bind address (${host})`, { cause: error });
  }
}

async function readTls({ verifiesClients, ca, certificate, key }: DaemonConfig["tls"]): Promise<TlsOptions> {
  const read = async (path: string): Promise<string> => {
    try {
      return await readFile(path, "utf8");
    } catch (error) {
      throw new OperationError("invalid", `could not read TLS file ${path}`, { cause: error });
    }
  };
  const certificatePem = await read(certificate); // One by one: of two that are missing the same is named each time.
  const keyPem = await read(key);
  return { certificatePem, keyPem, ...(verifiesClients && { clientCaPem: await read(ca) }) };
}

/** 0 for the group that is named by default, where the host lacks it. @throws OperationError `not-found` for any other that it lacks. */
async function groupId(group: string): Promise<number> {
  if (group === "") return 0;
  if (/^\d+$/.test(group)) return Number(group);
  const line = (await readFile("/etc/group", "utf8")).split("\n").find(entry => entry.startsWith(`${group}:`));
  if (line !== undefined) return Number(line.split(":")[2]);
  if (group === DEFAULT_GROUP) return 0;
  throw new OperationError("not-found", `group ${group} not found`);
}
