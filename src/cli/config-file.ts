import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { errnoCode, errorMessage } from "../lib/errors.ts";
import { CliError } from "./context.ts";

/** The docker CLI's own settings: both programs read and write the same file. */
export interface ConfigFile {
  readonly auths?: Readonly<Record<string, { readonly auth?: string; readonly identitytoken?: string }>>;
  readonly credsStore?: string;
  readonly currentContext?: string | undefined;
}

export function configDirectory(): string {
  return process.env["DOCKER_CONFIG"] ?? join(homedir(), ".docker");
}

export function configPath(): string {
  return join(configDirectory(), "config.json");
}

/** @throws CliError for a file that cannot be read, or is no JSON: a change would take away what it holds. */
export function readConfig(): ConfigFile {
  let content: string;
  try {
    content = readFileSync(configPath(), "utf8");
  } catch (error) {
    if (errnoCode(error) === "ENOENT") return {}; // Nothing has been set here yet.
    throw new CliError(`cannot read ${configPath()}: ${errorMessage(error)}`);
  }
  try {
    return JSON.parse(content) as ConfigFile;
  } catch {
    throw new CliError(`${configPath()}: no valid JSON`);
  }
}

/** What the change leaves alone stays, also what only the docker CLI knows. */
export function changeConfig(change: (config: ConfigFile) => ConfigFile): void {
  const config = readConfig();
  mkdirSync(configDirectory(), { recursive: true, mode: 0o700 });
  const draft = `${configPath()}.${process.pid}`;
  writeFileSync(draft, `${JSON.stringify(change(config), undefined, "\t")}\n`, { mode: 0o600 });
  renameSync(draft, configPath());
}
