import { textLines } from "../../api/client/decode.ts";
import type { Command } from "../command/command.ts";
import { type CliContext, CliError, field, filterQuery, type Json, number, text } from "../context.ts";
import { compileTemplate, TemplateFailure } from "../../lib/template/template.ts";
import { goJson } from "../../lib/template/template-functions.ts";
import { timestamp } from "../format/time-argument.ts";

interface EventFlags {
  readonly filter?: readonly string[];
  readonly format?: string;
  readonly since?: string;
  readonly until?: string;
}

export function registerEvents(program: Command, context: () => CliContext): void {
  for (const parent of [program, program.group("system", "Manage the daemon")]) {
    parent
      .command("events")
      .description("Show what happens, as it happens")
      .option("-f, --filter <filter>", "Only what matches")
      .option("--format <string>", "How each is shown: json, a template")
      .option("--since <string>", "What has happened since a time or within an age too")
      .option("--until <string>", "End at a time")
      .action(async (flags: EventFlags) => events(context(), flags));
  }
}

async function events(cli: CliContext, flags: EventFlags): Promise<void> {
  const render = renderer(flags.format);
  const at = (name: "since" | "until"): string | undefined =>
    flags[name] === undefined ? undefined : plainTime(name, flags[name], cli.nowMs());
  const response = await cli.client.stream("GET", "/events", {
    query: { since: at("since"), until: at("until"), filters: filterQuery(flags.filter) },
  });
  for await (const line of textLines(response)) cli.stdout(`${render(parseEvent(line))}\n`);
}

/** Nanoseconds since 1970 are more than a number of ours can hold: they are kept as the text they were. */
export function parseEvent(line: string): Json {
  const event = JSON.parse(line) as { readonly [key: string]: Json };
  const nanos = /"timeNano":(\d+)/.exec(line)?.[1];
  return nanos === undefined ? event : { ...event, timeNano: nanos };
}

/** Without the flag's name, which Docker's CLI leaves out here. */
function plainTime(name: string, given: string, nowMs: number): string {
  try {
    return timestamp(name, given, nowMs);
  } catch (error) {
    throw error instanceof CliError ? new CliError(error.message.replace(/^invalid value for "\w+": /, "")) : error;
  }
}

function renderer(format: string | undefined): (event: Json) => string {
  if (format === undefined || format === "") return eventLine;
  if (format === "json") return event => goJson(event).replace(/"timeNano":"(\d+)"/, '"timeNano":$1');
  try {
    return compileTemplate(format);
  } catch (error) {
    if (!(error instanceof TemplateFailure)) throw error;
    throw new CliError(`Error parsing format: template: ${error.message}`, 64);
  }
}

const NANOS_PER_SECOND = 1e9;

/** `2026-01-02T03:04:05.678901234Z container start 0123… (image=busybox, name=web)`. */
export function eventLine(event: Json): string {
  const attributes = Object.entries((field(event, "Actor", "Attributes") ?? {}) as object)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${String(value)}`);
  const details = attributes.length === 0 ? "" : ` (${attributes.join(", ")})`;
  return `${eventTime(event)} ${text(event, "Type")} ${text(event, "Action")} ${text(event, "Actor", "ID")}${details}`;
}

function eventTime(event: Json): string {
  const nanos = BigInt(text(event, "timeNano") || number(event, "time") * NANOS_PER_SECOND);
  const date = new Date(Number(nanos / 1_000_000n));
  const pad = (value: number, width = 2): string => String(value).padStart(width, "0");
  const offset = -date.getTimezoneOffset();
  const zone =
    offset === 0 ? "Z" : `${offset < 0 ? "-" : "+"}${pad(Math.trunc(Math.abs(offset) / 60))}:${pad(Math.abs(offset) % 60)}`;
  const day = `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`;
  const fraction = String(nanos % 1_000_000_000n).padStart(9, "0");
  return `${day}T${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}.${fraction}${zone}`;
}
