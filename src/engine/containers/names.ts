import { OperationError } from "../../lib/errors.ts";
import { madeUpName } from "../../lib/made-up-name.ts";
import type { Random } from "../../ports/random.ts";

const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;
const ATTEMPTS_MAX = 6;

/** @throws OperationError `invalid` in Docker's words. */
export function checkContainerName(name: string): string {
  const bare = name.startsWith("/") ? name.slice(1) : name;
  if (NAME.test(bare)) return bare;
  throw new OperationError("invalid", `Invalid container name (${name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`);
}

/** `brave_hopper`; with a digit behind it when what was tried first is taken, and the id when all is. */
export function inventName(random: Random, options: { readonly isFree: (name: string) => boolean; readonly id: string }): string {
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const name = `${madeUpName(() => random.uint32())}${attempt === 0 ? "" : random.uint32() % 10}`;
    if (options.isFree(name)) return name;
  }
  return options.id.slice(0, 12);
}
