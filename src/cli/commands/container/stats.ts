import { jsonLines, textLines } from "../../../api/client/decode.ts";
import type { Command } from "../../command/command.ts";
import { type CliContext, CliError, type Json, list, text } from "../../context.ts";
import { renderListing } from "../../format/table.ts";
import { parseEvent } from "../events.ts";
import { containerPath } from "./reach.ts";
import { type StatsRow, statsColumns } from "./stats-row.ts";

interface StatsFlags {
  readonly all?: boolean;
  readonly format?: string;
  readonly stream: boolean;
  readonly trunc: boolean;
}

const REDRAW_MS = 500;
/** A container that tells nothing for so long is shown without numbers, as Docker's CLI does. */
const SILENCE_MS = 2_000;
const HOME = "\u001b[H";
const CLEAR_LINE = "\u001b[K";
const CLEAR_BELOW = "\u001b[J";

export function registerStats(parent: Command, context: () => CliContext): void {
  parent
    .command("stats [container...]")
    .description("Show what containers use")
    .option("-a, --all", "Those that do not run too")
    .option("--format <string>", "How each is shown")
    .option("--no-stream", "Only once")
    .option("--no-trunc", "Show everything in full")
    .action(async (names: readonly string[], flags: StatsFlags) => stats(context(), names, flags));
}

async function stats(cli: CliContext, names: readonly string[], flags: StatsFlags): Promise<void> {
  const board = new Board(cli, flags.stream);
  const news = names.length === 0 && flags.stream ? await followEvents(cli) : undefined;
  const wanted = names.length > 0 ? names : await listed(cli, flags.all === true);
  const firsts = await Promise.all(wanted.map(name => board.add(name)));
  const failures = names.length === 0 ? [] : firsts.filter(failure => failure !== undefined);
  if (failures.length > 0) throw new CliError(failures.map(({ message }) => message).join("\n"));
  const draw = (): string =>
    renderListing(board.rows(), statsColumns({ isWhole: !flags.trunc }), {
      format: flags.format,
      rowType: "*container.statsContext",
    });
  if (!flags.stream) {
    cli.stdout(draw());
    return;
  }
  let lost: unknown;
  news?.follow(board, flags.all === true).catch((error: unknown) => (lost = error));
  while (lost === undefined && (board.size > 0 || names.length === 0)) {
    cli.stdout(`${HOME}${draw().replaceAll("\n", `${CLEAR_LINE}\n`)}${CLEAR_BELOW}`);
    await cli.sleep(REDRAW_MS);
  }
  if (lost !== undefined) throw lost;
}

async function listed(cli: CliContext, all: boolean): Promise<readonly string[]> {
  const containers = await cli.api.json("GET", "/containers/json", { query: { all: all || undefined } });
  return list(containers).map(container => text(container, "Id"));
}

/** Begun before the containers are listed, so that none that comes in between is missed. */
async function followEvents(cli: CliContext) {
  const response = await cli.client.stream("GET", "/events", { query: { filters: JSON.stringify({ type: ["container"] }) } });
  return {
    async follow(board: Board, all: boolean): Promise<void> {
      for await (const line of textLines(response)) {
        const event = parseEvent(line);
        const id = text(event, "Actor", "ID");
        const action = text(event, "Action");
        if (action === (all ? "create" : "start")) void board.add(id);
        else if (action === (all ? "destroy" : "die")) board.remove(id);
      }
    },
  };
}

/** What is known of each container by now, in the order in which they came. */
class Board {
  readonly #cli: CliContext;
  readonly #isStream: boolean;
  readonly #rows = new Map<string, StatsRow>();
  readonly #leave = new Map<string, AbortController>();

  constructor(cli: CliContext, isStream: boolean) {
    this.#cli = cli;
    this.#isStream = isStream;
  }

  get size(): number {
    return this.#rows.size;
  }

  rows(): readonly StatsRow[] {
    return [...this.#rows.values()];
  }

  /** @returns when something is known of it, or that nothing can be. */
  async add(container: string): Promise<Error | undefined> {
    if (this.#rows.has(container)) return undefined;
    const leave = new AbortController();
    this.#leave.set(container, leave);
    this.#rows.set(container, { container });
    return new Promise(resolve => {
      const silence = this.#isStream ? setTimeout(() => resolve(undefined), SILENCE_MS) : undefined;
      const settle = (failure?: Error) => {
        clearTimeout(silence);
        resolve(failure);
      };
      this.#read(container, { signal: leave.signal, onRow: () => settle() }).then(
        () => settle(),
        (error: unknown) => {
          if (leave.signal.aborted) return settle();
          settle(error instanceof Error ? error : new Error(String(error)));
        },
      );
    });
  }

  remove(container: string): void {
    this.#rows.delete(container);
    this.#leave.get(container)?.abort();
    this.#leave.delete(container);
  }

  async #read(container: string, { signal, onRow }: { readonly signal: AbortSignal; readonly onRow: () => void }): Promise<void> {
    const response = await this.#cli.client.stream("GET", containerPath(container, "stats"), {
      query: { stream: this.#isStream },
      signal,
    });
    for await (const stats of jsonLines(response)) {
      if (!this.#rows.has(container)) return;
      this.#rows.set(container, { container, stats: stats as Json });
      onRow();
    }
    if (this.#isStream) this.remove(container); // It was removed.
  }
}
