import { OperationError } from "../../lib/errors.ts";

/** A name of its own that one container has for another. */
export interface Link {
  /** The other container's name or id. */
  readonly target: string;
  readonly alias: string;
}

/**
 * `db`, `db:database`, or `/db:/web/database` as inspect shows it.
 * @throws OperationError `invalid` in Docker's words.
 */
export function parseLink(text: string): Link {
  if (text === "") throw new OperationError("invalid", "empty string specified for links");
  const [name = "", alias = name, ...others] = text.split(":");
  if (others.length > 0) throw new OperationError("invalid", `bad format for links: ${text}`);
  return { target: name.replace(/^\//, ""), alias: alias.split("/").at(-1) ?? alias };
}

/** Of an endpoint: which names stand for others there, for this container alone. Names know no case. */
export function linkedNames(links: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(links.map(parseLink).map(({ target, alias }) => [alias.toLowerCase(), target]));
}
