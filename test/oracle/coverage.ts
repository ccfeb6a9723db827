import { readFileSync } from "node:fs";
import type { Outcome } from "./compare.ts";
import type { ScenarioResult } from "./run-scenario.ts";
import type { Step } from "./scenario.ts";

/** Every verb of a group of the client's, with its flags by each of their names. */
type Flags = Readonly<Record<string, Readonly<Record<string, { readonly short?: string; readonly isSwitch?: true }>>>>;

/** The verbs that a table counts, and the other names they go by. */
export interface Commands {
  readonly flags: Flags;
  readonly aliases: Readonly<Record<string, string>>;
  readonly groups: readonly string[];
  /** Of verbs that are said without one. */
  readonly defaultGroup?: string;
  /** Verbs after whose first word that is no flag another program's words follow. */
  readonly startsProgram: (verb: string) => boolean;
}

export const CONTAINER_COMMANDS: Commands = {
  flags: flagsOf("cli-flags.json"),
  aliases: {
    ps: "container ls",
    "container list": "container ls",
    "container ps": "container ls",
    info: "system info",
    events: "system events",
    version: "system version",
  },
  groups: ["container", "system"],
  defaultGroup: "container",
  startsProgram: () => true,
};

export const SWARM_COMMANDS: Commands = {
  flags: flagsOf("swarm-cli-flags.json"),
  aliases: {
    "node remove": "node rm",
    "service remove": "service rm",
    "secret remove": "secret rm",
    "config remove": "config rm",
    "stack up": "stack deploy",
    "stack down": "stack rm",
    "stack remove": "stack rm",
    "node list": "node ls",
    "service list": "service ls",
    "secret list": "secret ls",
    "config list": "config ls",
    "stack list": "stack ls",
  },
  groups: ["swarm", "node", "service", "stack", "secret", "config"],
  startsProgram: verb => verb === "service create",
};

function flagsOf(file: string): Flags {
  return JSON.parse(readFileSync(new URL(file, import.meta.url), "utf8")) as Flags;
}

/** How a command ended, as the real engine sees it. */
type Kind = "success" | "refused" | "exit code" | "not run" | "signal";

/** What stands around what is tried; it counts where the command succeeds, and never makes a refusal a new one. */
const SURROUNDINGS = new Set(["--name", "--rm", "--detach", "--interactive", "--tty", "--force"]);

/** Which (verb, flag, kind of outcome) the scenarios have tried; each counts once. What only the client refuses counts for nothing. */
export class CoverageTable {
  readonly #seen = new Set<string>();
  readonly #commands: Commands;
  readonly verbs = new Set<string>();

  constructor(commands = CONTAINER_COMMANDS) {
    this.#commands = commands;
  }

  static of(results: readonly ScenarioResult[], commands = CONTAINER_COMMANDS): CoverageTable {
    const table = new CoverageTable(commands);
    for (const { scenario, real } of results)
      for (const [index, step] of scenario.steps.entries()) {
        const outcome = real[index];
        if (outcome !== undefined) table.add(step, outcome);
      }
    return table;
  }

  add(step: Step, outcome: Outcome): void {
    if (step.kind === "listing" || step.kind === "http" || step.kind === "daemon") return;
    if ("isSetUp" in step && step.isSetUp === true) return;
    const parsed = parseCommand(step.args, this.#commands);
    const kind = kindOf(parsed?.verb ?? "", outcome);
    if (parsed !== undefined) this.verbs.add(parsed.verb);
    if (parsed === undefined || kind === undefined) return;
    const tried = kind === "success" ? parsed.flags : parsed.flags.filter(flag => !SURROUNDINGS.has(flag));
    for (const flag of tried.length === 0 ? ["-"] : tried) this.#seen.add(`${parsed.verb}\t${flag}\t${kind}`);
  }

  get count(): number {
    return this.#seen.size;
  }

  /** @returns the flags of a verb that were tried, whatever came of it. */
  flagsOf(verb: string): readonly string[] {
    const flags = [...this.#seen].map(key => key.split("\t")).filter(([of]) => of === verb);
    return [...new Set(flags.map(([, flag = ""]) => flag))].filter(flag => flag !== "-");
  }

  /** @returns the verbs that no scenario has used. */
  missingVerbs(): readonly string[] {
    return Object.keys(this.#commands.flags).filter(verb => !this.verbs.has(verb));
  }

  /** A row for each verb: flags tried of all there are, counted outcomes by kind, and the flags that were not tried. */
  text(): string {
    const rows = Object.entries(this.#commands.flags).map(([verb, flags]) => {
      const tried = this.flagsOf(verb);
      const kinds = new Map<string, number>();
      for (const key of this.#seen) {
        const [of, , kind = ""] = key.split("\t");
        if (of === verb) kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
      }
      const counts = [...kinds].map(([kind, count]) => `${count} ${kind}`).join(", ");
      const missing = Object.keys(flags).filter(flag => !tried.includes(flag));
      return `${verb}: ${tried.length} of ${Object.keys(flags).length} flags; ${counts}${missing.length === 0 ? "" : `; without ${missing.join(" ")}`}`;
    });
    return [...rows, `${this.count} counted`].join("\n");
  }
}

/** @returns the verb in full with its flags by their long names, or nothing where it is none of those that are counted. */
export function parseCommand(
  args: readonly string[],
  { flags, aliases, groups, defaultGroup, startsProgram }: Commands = CONTAINER_COMMANDS,
): { readonly verb: string; readonly flags: readonly string[] } | undefined {
  const [first = "", second = ""] = args;
  const isGroup = groups.includes(first);
  const named = isGroup ? `${first} ${second}` : first;
  const verb = aliases[named] ?? (isGroup || defaultGroup === undefined ? named : `${defaultGroup} ${named}`);
  const known = flags[verb];
  if (known === undefined) return undefined;
  return { verb, flags: flagsIn(args.slice(isGroup ? 2 : 1), known, { endsAtWord: startsProgram(verb) }) };
}

function flagsIn(
  args: readonly string[],
  known: Flags[string],
  { endsAtWord }: { readonly endsAtWord: boolean },
): readonly string[] {
  const found: string[] = [];
  for (let index = 0; index < args.length; index++) {
    const arg = args[index] ?? "";
    if (!arg.startsWith("-") || arg === "-" || arg === "--") {
      if (endsAtWord) break; // The image or container: what follows is its program's.
      continue;
    }
    const [name = ""] = arg.split("=");
    const flags = name.startsWith("--") ? [name] : shortFlags(name, known);
    found.push(...flags);
    if (!arg.includes("=") && known[flags.at(-1) ?? ""]?.isSwitch !== true) index++;
  }
  return found.filter(flag => known[flag] !== undefined);
}

/** `-it` is two, `-eA=1` and `-m64m` are one with its value. */
function shortFlags(name: string, known: Flags[string]): readonly string[] {
  return [...name.slice(1)].flatMap(letter => Object.keys(known).find(flag => known[flag]?.short === letter) ?? []);
}

function kindOf(verb: string, { exitCode, stderr, stdout }: Outcome): Kind | undefined {
  if (exitCode === 0) return "success";
  const runs = /container (?:run|exec|start|attach)$/.test(verb);
  if (/Error response from daemon|No such (?:container|object|service|node|task)|permission denied/i.test(stderr + stdout)) {
    return runs && (exitCode === 126 || exitCode === 127) ? "not run" : "refused";
  }
  if (!runs || exitCode === 125) return undefined;
  if (exitCode === 126 || exitCode === 127) return "not run";
  return exitCode > 128 ? "signal" : "exit code";
}
