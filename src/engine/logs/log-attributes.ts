import { OperationError } from "../../lib/errors.ts";

/** What the options `labels`, `labels-regex`, `env` and `env-regex` choose from. */
export interface AttributeSource {
  readonly labels: Readonly<Record<string, string>>;
  readonly env: readonly string[];
}

/** The labels and variables that log options name. @throws OperationError `invalid` for a pattern that is none. */
export function logAttributes(
  options: Readonly<Record<string, string>>,
  { labels, env }: AttributeSource,
): Readonly<Record<string, string>> {
  const variables = Object.fromEntries(
    env.flatMap(entry => {
      const end = entry.indexOf("=");
      return end === -1 ? [] : [[entry.slice(0, end), entry.slice(end + 1)] as const];
    }),
  );
  return {
    ...choose(labels, options["labels"], options["labels-regex"]),
    ...choose(variables, options["env"], options["env-regex"]),
  };
}

function choose(
  from: Readonly<Record<string, string>>,
  names: string | undefined,
  pattern: string | undefined,
): Readonly<Record<string, string>> {
  const wanted = new Set(names?.split(","));
  const matcher = pattern === undefined || pattern === "" ? undefined : compile(pattern);
  return Object.fromEntries(Object.entries(from).filter(([name]) => wanted.has(name) || matcher?.test(name) === true));
}

function compile(pattern: string): RegExp {
  try {
    return new RegExp(pattern);
  } catch (cause) {
    const said = cause instanceof Error ? cause.message : "";
    const words = GO_WORDS.find(([ofNode]) => said.endsWith(ofNode))?.[1] ?? "invalid pattern";
    throw new OperationError("invalid", `error parsing regexp: ${words}: \`${pattern}\``, { cause });
  }
}

/** What Node and Go say of the same mistake. */
const GO_WORDS = [
  ["Unterminated group", "missing closing )"],
  ["Unmatched ')'", "unexpected )"],
  ["Unterminated character class", "missing closing ]"],
  ["Nothing to repeat", "missing argument to repetition operator"],
] as const;
