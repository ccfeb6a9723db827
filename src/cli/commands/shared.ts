import { CliError, type CliContext, type Json } from "../context.ts";
import { goJson } from "../../lib/template/template-functions.ts";
import { compileTemplate, TemplateFailure } from "../../lib/template/template.ts";
import { indentJson } from "../format/raw-json.ts";

/** Exit code of a template that cannot be read, as Docker's. */
const BAD_TEMPLATE_EXIT_CODE = 64;

/** Ends with exit code 1 and each failure on a line of its own, when there is one. */
export function exitWith(failures: readonly string[]): void {
  if (failures.length > 0) throw new CliError(failures.join("\n"));
}

export interface Found {
  readonly value: Json;
  /** As the daemon wrote it, where there is such a text. */
  readonly raw?: string;
}

/** `X inspect A B`: what was found as one list (or through the template), then what was not. */
export async function inspectEach(
  cli: CliContext,
  names: readonly string[],
  options: { readonly find: (name: string) => Promise<Found>; readonly format?: string | undefined },
): Promise<void> {
  const { format } = options;
  const render = format === undefined || format === "" || format === "json" ? undefined : inspectTemplate(format);
  const found: Found[] = [];
  const failures: string[] = [];
  for (const name of names) {
    try {
      found.push(await options.find(name));
    } catch (error) {
      failures.push(error instanceof Error ? error.message : "failed");
    }
  }
  if (render !== undefined) printRendered(cli, found, render);
  else if (format === "json") cli.stdout(`${compactList(found)}\n`);
  else if (found.length === 0) cli.stdout("[]\n");
  else cli.stdout(`[\n${found.map(item => `    ${indentJson(item.raw ?? goJson(item.value), "    ")}`).join(",\n")}\n]\n`);
  exitWith(failures);
}

function compactList(found: readonly Found[]): string {
  return `[${found.map(({ value, raw }) => raw ?? goJson(value)).join(",")}]`;
}

function printRendered(cli: CliContext, found: readonly Found[], render: (value: Json) => string): void {
  // Docker prints an empty line where nothing came out.
  if (found.length === 0) cli.stdout("\n");
  for (const { value } of found) {
    try {
      cli.stdout(`${render(value)}\n`);
    } catch (error) {
      cli.stdout("\n");
      throw error;
    }
  }
}

/** The template of an `inspect`; its mistakes are told as Docker tells them. */
export function inspectTemplate(format: string): (value: Json) => string {
  const told = <T>(work: () => T): T => {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof TemplateFailure)) throw error;
      const exitCode = error.phase === "parse" ? BAD_TEMPLATE_EXIT_CODE : 1;
      throw new CliError(`template parsing error: template: ${error.message}`, exitCode);
    }
  };
  const render = told(() => compileTemplate(format));
  return value => told(() => render(value));
}

/** Finds an object by a GET. */
export async function findAt(cli: CliContext, path: string): Promise<Found> {
  const raw = await cli.client.text("GET", path);
  return { value: JSON.parse(raw) as Json, raw: raw.trim() };
}

/** Does one thing to each; a name that went well is printed, failures come at the end. */
export async function eachName(
  cli: CliContext,
  names: readonly string[],
  work: (name: string) => Promise<unknown>,
): Promise<void> {
  const failures: string[] = [];
  for (const name of names) {
    try {
      await work(name);
      cli.stdout(`${name}\n`);
    } catch (error) {
      failures.push(error instanceof Error ? error.message : "failed");
    }
  }
  exitWith(failures);
}

/** `X rm A B`: each name that went is printed. */
export async function removeEach(
  cli: CliContext,
  names: readonly string[],
  path: (name: string) => string,
  query?: Record<string, string | boolean>,
): Promise<void> {
  await eachName(cli, names, name => cli.api.json("DELETE", path(name), query === undefined ? {} : { query }));
}

/** Asks before something is lost; `--force` answers for the user. */
export async function confirmed(cli: CliContext, warning: string): Promise<boolean> {
  const { createInterface } = await import("node:readline/promises");
  cli.stdout(`${warning}\nAre you sure you want to continue? [y/N] `);
  const lines = createInterface({ input: process.stdin });
  for await (const line of lines) return /^y(?:es)?$/i.test(line.trim());
  return false;
}
