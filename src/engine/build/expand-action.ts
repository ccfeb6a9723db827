import { expand } from "./dockerfile/expand.ts";
import type { Action, Pair } from "./dockerfile/instruction.ts";
import type { EscapeToken } from "./dockerfile/logical-lines.ts";

/** Puts variables in where an instruction takes any. @throws OperationError `invalid`, in Docker's words. */
export function expandAction(
  action: Action,
  options: { readonly escape: EscapeToken; readonly variables: ReadonlyMap<string, string> },
): Action {
  const word = (text: string): string => expand(text, options).text;
  const pairs = (given: readonly Pair[]): readonly Pair[] => given.map(([name, value]) => [word(name), word(value)]);
  switch (action.kind) {
    case "env":
      return { ...action, pairs: pairs(action.pairs) };
    case "label":
      return action.isLiteral === true ? action : { ...action, pairs: pairs(action.pairs) };
    case "arg":
      return {
        ...action,
        pairs: action.pairs.map(([name, value]) => [word(name), value === undefined ? undefined : word(value)]),
      };
    case "copy":
    case "add":
      return {
        ...action,
        chown: word(action.chown),
        sources: action.sources.map(word),
        destination: word(action.destination),
      };
    case "workdir":
      return { ...action, path: word(action.path) };
    case "user":
      return { ...action, user: word(action.user) };
    case "volume":
      return { ...action, paths: action.paths.map(word) };
    case "stopsignal":
      return { ...action, signal: word(action.signal) };
    case "expose":
      return { ...action, ports: action.ports.flatMap(port => expand(port, options).words) };
    default:
      return action;
  }
}

/** `NAME=value` each; a later one counts. */
export function variablesOf(entries: readonly string[]): ReadonlyMap<string, string> {
  return new Map(
    entries.map(entry => {
      const at = entry.indexOf("=");
      return at < 0 ? [entry, ""] : [entry.slice(0, at), entry.slice(at + 1)];
    }),
  );
}
