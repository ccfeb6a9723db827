import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type ClientTls, parseDockerHost } from "../api/client/address.ts";
import { changeConfig, configDirectory, readConfig } from "./config-file.ts";
import { CliError } from "./context.ts";

/** The one that is no file: what DOCKER_HOST or nothing says. */
export const DEFAULT_CONTEXT = "default";
const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.+-]+$/;
const TLS_FILES = { ca: "ca.pem", certificate: "cert.pem", key: "key.pem" } as const;

/** As `meta.json` has it. */
export interface ContextMeta {
  readonly Name: string;
  readonly Metadata: { readonly Description?: string };
  readonly Endpoints: { readonly docker?: { readonly Host?: string; readonly SkipTLSVerify?: boolean } };
}

export type TlsFiles = { readonly [Kind in keyof typeof TLS_FILES]?: string };

/** Named addresses of daemons, kept where the docker CLI keeps them. Synchronous: the address comes before everything else. */
export const contexts = {
  pathsOf(name: string): { readonly meta: string; readonly tls: string } {
    const id = createHash("sha256").update(name).digest("hex");
    return { meta: join(configDirectory(), "contexts/meta", id), tls: join(configDirectory(), "contexts/tls", id) };
  },

  exists: (name: string): boolean => existsSync(join(contexts.pathsOf(name).meta, "meta.json")),

  /** @throws CliError when there is none. */
  read(name: string): ContextMeta {
    const path = join(contexts.pathsOf(name).meta, "meta.json");
    if (!existsSync(path)) {
      throw new CliError(`context ${JSON.stringify(name)}: context not found: open ${path}: no such file or directory`);
    }
    return JSON.parse(readFileSync(path, "utf8")) as ContextMeta;
  },

  /** By name; without the default one. */
  all(): readonly ContextMeta[] {
    const directory = join(configDirectory(), "contexts/meta");
    const paths = existsSync(directory) ? readdirSync(directory).map(id => join(directory, id, "meta.json")) : [];
    return paths.filter(path => existsSync(path)).map(path => JSON.parse(readFileSync(path, "utf8")) as ContextMeta);
  },

  /** @throws CliError in Docker's words. */
  checkNewName(name: string): void {
    if (name === DEFAULT_CONTEXT) throw new CliError(`"${DEFAULT_CONTEXT}" is a reserved context name`);
    checkName(name);
    if (contexts.exists(name)) throw new CliError(`context ${JSON.stringify(name)} already exists`);
  },

  write(meta: ContextMeta, tls: TlsFiles): void {
    const paths = contexts.pathsOf(meta.Name);
    mkdirSync(paths.meta, { recursive: true, mode: 0o755 });
    writeFileSync(join(paths.meta, "meta.json"), JSON.stringify(meta));
    for (const [kind, content] of Object.entries(tls)) {
      mkdirSync(join(paths.tls, "docker"), { recursive: true, mode: 0o700 });
      writeFileSync(join(paths.tls, "docker", TLS_FILES[kind as keyof TlsFiles]), content, { mode: 0o600 });
    }
  },

  remove(name: string): void {
    const paths = contexts.pathsOf(name);
    for (const path of [paths.meta, paths.tls]) rmSync(path, { recursive: true, force: true });
  },

  /** Names of the TLS files that it has. */
  tlsFiles(name: string): readonly string[] {
    const directory = join(contexts.pathsOf(name).tls, "docker");
    return existsSync(directory) ? readdirSync(directory).sort() : [];
  },

  /** @throws CliError when there is none, or its address is none. */
  addressOf(name: string): { readonly host: string; readonly tls: ClientTls | undefined } {
    const { Host = "", SkipTLSVerify = false } = contexts.read(name).Endpoints.docker ?? {};
    const directory = join(contexts.pathsOf(name).tls, "docker");
    const present = Object.entries(TLS_FILES).filter(([, file]) => existsSync(join(directory, file)));
    const files = Object.fromEntries(present.map(([kind, file]) => [kind, readFileSync(join(directory, file), "utf8")]));
    return { host: Host, tls: present.length > 0 || SkipTLSVerify ? { ...files, verifies: !SkipTLSVerify } : undefined };
  },

  use(name: string): void {
    if (name !== DEFAULT_CONTEXT) {
      checkName(name);
      contexts.read(name);
    }
    // JSON leaves out what is undefined.
    changeConfig(config => ({ ...config, currentContext: name === DEFAULT_CONTEXT ? undefined : name }));
  },
};

function checkName(name: string): void {
  if (!NAME.test(name)) {
    throw new CliError(`context name ${JSON.stringify(name)} is invalid, names are validated against regexp "${NAME.source}"`);
  }
}

/** @throws CliError for two ways to say it. */
export function chosenContext(options: { readonly host?: string; readonly context?: string }): string {
  if (options.host !== undefined && options.context !== undefined) {
    throw new CliError("conflicting options: cannot specify both --host and --context");
  }
  if (options.context !== undefined) return options.context;
  if (options.host !== undefined || process.env["DOCKER_HOST"]) return DEFAULT_CONTEXT;
  return process.env["DOCKER_CONTEXT"] || readConfig().currentContext || DEFAULT_CONTEXT;
}

/** `host=…,ca=…,cert=…,key=…,skip-tls-verify=…`. @throws CliError in Docker's words. */
export function parseEndpoint(text: string): {
  readonly docker: NonNullable<ContextMeta["Endpoints"]["docker"]>;
  readonly tls: TlsFiles;
} {
  const problem = (reason: string) => new CliError(`unable to create docker endpoint config: ${reason}`);
  const values: Record<string, string> = {};
  for (const part of text.split(",")) {
    const [key = "", ...rest] = part.split("=");
    if (!["host", "ca", "cert", "key", "skip-tls-verify"].includes(key)) throw problem(`unrecognized config key: ${key}`);
    values[key] = rest.join("=");
  }
  const { host = "", "skip-tls-verify": skip = "false" } = values;
  if (!/^ssh:\/\/./.test(host)) {
    try {
      parseDockerHost(host);
    } catch (error) {
      throw problem(`unable to apply docker endpoint options: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  const tls: Record<string, string> = {};
  for (const [key, kind] of [
    ["ca", "ca"],
    ["cert", "certificate"],
    ["key", "key"],
  ] as const) {
    const path = values[key];
    if (path === undefined || path === "") continue;
    if (!existsSync(path)) throw problem(`open ${path}: no such file or directory`);
    tls[kind] = readFileSync(path, "utf8");
  }
  return { docker: { Host: host, SkipTLSVerify: skip === "true" }, tls };
}
