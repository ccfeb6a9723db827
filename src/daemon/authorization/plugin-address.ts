import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { errnoCode, OperationError } from "../../lib/errors.ts";

/** Where a plugin answers. */
export type PluginAddress =
  | { readonly kind: "unix"; readonly path: string }
  | { readonly kind: "tcp"; readonly host: string; readonly port: number; readonly tls?: PluginTls };

export interface PluginTls {
  readonly caPath?: string;
  readonly certificatePath?: string;
  readonly keyPath?: string;
  readonly isUnverified: boolean;
}

export interface PluginDirectories {
  readonly sockets: string;
  readonly specifications: readonly string[];
}

/** Where Docker's plugins put themselves. */
export const PLUGIN_DIRECTORIES: PluginDirectories = {
  sockets: "/run/docker/plugins",
  specifications: ["/etc/docker/plugins", "/usr/lib/docker/plugins"],
};

/**
 * Finds a plugin by its name: a socket, or a file that says where it is.
 * @throws OperationError `not-found` when there is neither, `invalid` for a file that says nothing sensible.
 * @see Docker's documentation of plugin discovery.
 */
export async function findPlugin(name: string, directories: PluginDirectories = PLUGIN_DIRECTORIES): Promise<PluginAddress> {
  if (!/^[a-zA-Z0-9][\w.-]*$/.test(name)) throw notFound(name);
  for (const path of [join(directories.sockets, `${name}.sock`), join(directories.sockets, name, `${name}.sock`)]) {
    if (await isSocket(path)) return { kind: "unix", path };
  }
  for (const directory of directories.specifications) {
    for (const path of [join(directory, `${name}.spec`), join(directory, name, `${name}.spec`)]) {
      const text = await readIfThere(path);
      if (text !== undefined) return addressOf(text.trim(), path);
    }
    const path = join(directory, `${name}.json`);
    const text = await readIfThere(path);
    if (text !== undefined) return addressOfJson(text, path);
  }
  throw notFound(name);
}

function notFound(name: string): OperationError {
  return new OperationError("not-found", `plugin ${JSON.stringify(name)} not found`);
}

function addressOf(url: string, path: string, tls?: PluginTls): PluginAddress {
  const [, scheme, rest = ""] = /^(unix|tcp|http|https):\/\/(.+)$/.exec(url) ?? [];
  if (scheme === undefined) throw new OperationError("invalid", `${path} names no plugin's address: ${JSON.stringify(url)}`);
  if (scheme === "unix") return { kind: "unix", path: rest };
  const [, host = "", port = scheme === "https" ? "443" : "80"] = /^\[?([^\]/]+?)\]?(?::(\d+))?(?:\/.*)?$/.exec(rest) ?? [];
  const secured = tls ?? (scheme === "https" ? { isUnverified: false } : undefined);
  return { kind: "tcp", host, port: Number(port), ...(secured && { tls: secured }) };
}

interface PluginFile {
  readonly Addr?: unknown;
  readonly TLSConfig?: {
    readonly CAFile?: string;
    readonly CertFile?: string;
    readonly KeyFile?: string;
    readonly InsecureSkipVerify?: boolean;
  } | null;
}

function addressOfJson(text: string, path: string): PluginAddress {
  let file: PluginFile;
  try {
    file = JSON.parse(text) as PluginFile;
  } catch (cause) {
    throw new OperationError("invalid", `${path} is not JSON`, { cause });
  }
  const { Addr: url, TLSConfig: tls } = file;
  if (typeof url !== "string") throw new OperationError("invalid", `${path} names no plugin's address`);
  if (tls === undefined || tls === null) return addressOf(url, path);
  return addressOf(url, path, {
    ...(tls.CAFile && { caPath: tls.CAFile }),
    ...(tls.CertFile && { certificatePath: tls.CertFile }),
    ...(tls.KeyFile && { keyPath: tls.KeyFile }),
    isUnverified: tls.InsecureSkipVerify === true,
  });
}

async function isSocket(path: string): Promise<boolean> {
  return stat(path).then(
    found => found.isSocket(),
    () => false,
  );
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (errnoCode(error) === "ENOENT" || errnoCode(error) === "ENOTDIR") return undefined;
    throw error;
  }
}
