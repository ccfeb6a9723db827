import { readFile } from "node:fs/promises";
import type { ListenTarget, TlsOptions } from "../api/server.ts";
import { OperationError } from "../lib/errors.ts";
import type { DaemonConfig } from "./config.ts";

const SOCKET_MODE = 0o660;
const PLAIN_PORT = 2375;
const TLS_PORT = 2376;

/** One `--host`. @throws OperationError `invalid` for what cannot be listened on. */
export async function parseListenTarget(host: string, config: Pick<DaemonConfig, "tls" | "group">): Promise<ListenTarget> {
  const [, scheme, rest = ""] = /^(\w+):\/\/(.*)$/s.exec(host) ?? [];
  if (scheme === "unix" && rest.startsWith("/"))
    return { kind: "unix", path: rest, mode: SOCKET_MODE, gid: await groupId(config.group) };
  if (scheme === "tcp") {
    const { hostname, port } = parseAuthority(rest, host);
    if (!config.tls.isEnabled && !config.tls.isRefused) {
      throw new OperationError(
        "invalid",
        `${host}: whoever reaches this address would be root here. Use --tlsverify, or say --tls=false to serve it without protection`,
      );
    }
    const tls = config.tls.isEnabled ? await readTls(config.tls) : undefined;
    const number = port === "" ? (tls === undefined ? PLAIN_PORT : TLS_PORT) : Number(port);
    return { kind: "tcp", host: hostname === "" ? "127.0.0.1" : hostname, port: number, ...(tls && { tls }) };
  }
  throw new OperationError("invalid", `invalid bind address (${host}): only unix:///path and tcp://host:port are supported`);
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
  const [certificatePem, keyPem] = await Promise.all([read(certificate), read(key)]);
  return { certificatePem, keyPem, ...(verifiesClients && { clientCaPem: await read(ca) }) };
}

/** 0 when no group is named. @throws OperationError `not-found` for a group the host does not have. */
async function groupId(group: string | undefined): Promise<number> {
  if (group === undefined || group === "") return 0;
  if (/^\d+$/.test(group)) return Number(group);
  const line = (await readFile("/etc/group", "utf8")).split("\n").find(entry => entry.startsWith(`${group}:`));
  if (line === undefined) throw new OperationError("not-found", `group ${group} not found`);
  return Number(line.split(":")[2]);
}
