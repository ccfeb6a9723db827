import { FlagValueError } from "../command/command.ts";
import { type CliContext, CliError, type Json, list, text } from "../context.ts";
import { splitAt } from "./container-values.ts";
import type { ServiceFlags } from "./service-spec.ts";
import { withPath } from "./with-path.ts";

type Noun = "secret" | "config";

const FILE_MODE = 0o444;

/** The spec with the secrets and configs that the flags name; the daemon is asked for their ids. */
export async function withFiles(cli: CliContext, spec: Json, flags: ServiceFlags): Promise<Json> {
  let changed = spec;
  for (const noun of ["secret", "config"] as const) {
    const added = [...asList(flags[noun]), ...asList(flags[`${noun}Add`])];
    const removed = asList(flags[`${noun}Rm`]);
    if (added.length === 0 && removed.length === 0) continue;
    const path = ["TaskTemplate", "ContainerSpec", noun === "secret" ? "Secrets" : "Configs"];
    const nameKey = noun === "secret" ? "SecretName" : "ConfigName";
    const kept = list(changed, ...path).filter(item => !removed.includes(text(item, nameKey)));
    const fresh = await references(cli, noun, added);
    const targets = fresh.map(item => text(item, "File", "Name"));
    changed = withPath(changed, path, [...kept.filter(item => !targets.includes(text(item, "File", "Name"))), ...fresh]);
  }
  return changed;
}

async function references(cli: CliContext, noun: Noun, given: readonly string[]): Promise<readonly Json[]> {
  if (given.length === 0) return [];
  const wanted = given.map(item => parseFile(noun, item));
  const filters = JSON.stringify({ name: wanted.map(({ source }) => source) });
  const known = list(await cli.api.json("GET", `/${noun}s`, { query: { filters } }));
  return wanted.map(({ source, file }) => {
    const found = known.find(object => text(object, "Spec", "Name") === source);
    if (found === undefined) throw new CliError(`${noun} not found: ${source}`);
    const id = text(found, "ID");
    return noun === "secret"
      ? { File: file, SecretID: id, SecretName: source }
      : { File: file, ConfigID: id, ConfigName: source };
  });
}

interface FileFlag {
  readonly source: string;
  readonly file: Json;
}

/** A name alone, or `source=cert,target=/etc/cert.pem,uid=1,gid=1,mode=0400`. @throws FlagValueError */
export function parseFile(noun: Noun, given: string): FileFlag {
  const refuse = (problem: string): never => {
    throw new FlagValueError(noun, given, problem);
  };
  if (!given.includes("="))
    return { source: given, file: { Name: defaultTarget(noun, given), UID: "0", GID: "0", Mode: FILE_MODE } };
  const settings = new Map(given.split(",").map(item => splitAt(item, "=")));
  for (const key of settings.keys())
    if (!["source", "src", "target", "uid", "gid", "mode"].includes(key)) refuse(`invalid field in ${noun} request: ${key}`);
  const source = settings.get("source") ?? settings.get("src") ?? refuse("source is required");
  const mode = settings.get("mode") ?? "";
  if (mode !== "" && !/^[0-7]+$/.test(mode))
    refuse(`invalid mode specified: strconv.ParseUint: parsing "${mode}": invalid syntax`);
  return {
    source,
    file: {
      Name: settings.get("target") ?? defaultTarget(noun, source),
      UID: settings.get("uid") ?? "0",
      GID: settings.get("gid") ?? "0",
      Mode: mode === "" ? FILE_MODE : Number.parseInt(mode, 8),
    },
  };
}

/** A secret lands below /run/secrets, a config at the root. */
function defaultTarget(noun: Noun, source: string): string {
  return noun === "secret" ? source : `/${source}`;
}

function asList(given: ServiceFlags[string]): readonly string[] {
  return Array.isArray(given) ? (given as readonly string[]) : [];
}
