import type { Stats } from "node:fs";
import { lstat, stat } from "node:fs/promises";
import { errnoCode } from "../lib/errors.ts";
import { CliError } from "./context.ts";

/** As libc has it. */
const REASONS: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  ELOOP: "too many levels of symbolic links",
  ENAMETOOLONG: "file name too long",
};

/** Undefined where nothing is there. @throws CliError for what else keeps from looking: something may be there. */
export function statsIfThere(path: string, { followsLink }: { readonly followsLink: boolean }): Promise<Stats | undefined> {
  return (followsLink ? stat : lstat)(path).catch((error: unknown) => {
    const code = errnoCode(error) ?? "";
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    const reason = REASONS[code];
    if (reason === undefined) throw error;
    throw new CliError(`${followsLink ? "stat" : "lstat"} ${path}: ${reason}`);
  });
}
