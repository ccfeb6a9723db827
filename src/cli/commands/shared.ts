import { CliError, type CliContext, type Json } from "../context.ts";
import { compileTemplate } from "../format/template.ts";

/** Commander's way of gathering a flag that may be given several times. */
export function collect(value: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), value];
}

/** Ends with exit code 1 and each failure on a line of its own, when there is one. */
export function idAndExit(failures: readonly string[]): void {
  if (failures.length > 0) throw new CliError(failures.join("\n"));
}

/** `X inspect A B`: what was found as one list (or through the template), then what was not. */
export async function inspectEach(
  cli: CliContext,
  names: readonly string[],
  options: { readonly path: (name: string) => string; readonly format?: string },
): Promise<void> {
  const render = options.format === undefined || options.format === "json" ? undefined : compileTemplate(options.format);
  const found: Json[] = [];
  const failures: string[] = [];
  for (const name of names) {
    try {
      found.push(await cli.api.json("GET", options.path(name)));
    } catch (error) {
      failures.push(error instanceof Error ? error.message : "failed");
    }
  }
  if (render !== undefined) for (const item of found) cli.stdout(`${render(item)}\n`);
  else if (options.format === "json") for (const item of found) cli.stdout(`${JSON.stringify(item)}\n`);
  else cli.stdout(`${JSON.stringify(found, undefined, 4)}\n`);
  idAndExit(failures);
}

/** `X rm A B`: each name that went is printed. */
export async function removeEach(
  cli: CliContext,
  names: readonly string[],
  path: (name: string) => string,
  query?: Record<string, string | boolean>,
): Promise<void> {
  const failures: string[] = [];
  for (const name of names) {
    try {
      await cli.api.json("DELETE", path(name), query === undefined ? {} : { query });
      cli.stdout(`${name}\n`);
    } catch (error) {
      failures.push(error instanceof Error ? error.message : "failed");
    }
  }
  idAndExit(failures);
}
