import { parseArgs, type ParseArgsConfig } from "node:util";

/** What a script was called with. An option that it does not have ends it. */
export function parsed<T extends ParseArgsConfig>(config: T): ReturnType<typeof parseArgs<T>> {
  try {
    return parseArgs(config);
  } catch (error) {
    refuse(error instanceof Error ? error.message : String(error));
  }
}

/** Ends a script that cannot do what it was asked for: one line, code 1. */
export function refuse(why: string): never {
  console.error(why);
  process.exit(1);
}
