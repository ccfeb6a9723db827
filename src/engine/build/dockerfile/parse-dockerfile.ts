import { errorMessage, OperationError } from "../../../lib/errors.ts";
import { hasHeredoc, heredocsIn } from "./heredoc.ts";
import { type EscapeToken, LogicalLines } from "./logical-lines.ts";
import { blankSeparated, quotedWords, takeFlags } from "./words.ts";

/** One instruction, taken apart but not yet understood. */
export interface DockerfileNode {
  /** As it is written. */
  readonly keyword: string;
  /** `--name=value`. */
  readonly flags: readonly string[];
  /** Of `ENV` and `LABEL`: names and values in turn. Of `ONBUILD`: the keyword of its trigger and that one's. */
  readonly args: readonly string[];
  /** The arguments were a JSON list. */
  readonly isJson: boolean;
  readonly hasHeredoc: boolean;
  /** All of it in one line. */
  readonly text: string;
  /** From 1. */
  readonly startLine: number;
}

export interface ParsedDockerfile {
  readonly nodes: readonly DockerfileNode[];
  readonly escape: EscapeToken;
  /** One for each instruction with blank lines in it. */
  readonly warnings: readonly string[];
}

/** @throws OperationError `invalid`, in Docker's words. */
export function parseDockerfile(text: string): ParsedDockerfile {
  const lines = new LogicalLines(text);
  const nodes: DockerfileNode[] = [];
  for (let line = lines.next(); line !== undefined; line = lines.next()) {
    const node = parseNode(line.text, { escape: lines.escape, startLine: line.startLine });
    nodes.push(node);
    if (!node.hasHeredoc) continue;
    for (const { name, ignoresTabs } of heredocsIn(line.text)) {
      if (!lines.skipTo(name, { ignoresTabs })) throw new OperationError("invalid", "unterminated heredoc");
    }
  }
  if (nodes.length === 0) throw new OperationError("invalid", "file with no instructions");
  const warnings = lines.withGaps.map(line => `Empty continuation line found in: ${line}`);
  return { nodes, escape: lines.escape, warnings };
}

export function parseNode(
  text: string,
  { escape, startLine }: { readonly escape: EscapeToken; readonly startLine: number },
): DockerfileNode {
  const [, keyword = "", after = ""] = /^([^\t\v\f\r ]+)[\t\v\f\r ]*(.*)$/s.exec(text.trim()) ?? [];
  const { flags, rest } = takeFlags(after, escape);
  const form = FORMS[keyword.toLowerCase()] ?? "ignored";
  const common = { keyword, flags, text, startLine };
  if (form === "trigger") return triggerNode(rest, { ...common, escape });
  return { ...common, ...argumentsOf(form, { rest, keyword, escape }), hasHeredoc: hasHeredoc(keyword, text) };
}

function triggerNode(
  rest: string,
  { escape, ...common }: Pick<DockerfileNode, "keyword" | "flags" | "text" | "startLine"> & { readonly escape: EscapeToken },
): DockerfileNode {
  if (rest === "") return { ...common, args: [], isJson: false, hasHeredoc: false };
  const inner = parseNode(rest, { escape, startLine: common.startLine });
  return { ...common, args: [inner.keyword, ...inner.args], isJson: inner.isJson, hasHeredoc: inner.hasHeredoc };
}

type Form =
  | "blank-separated"
  | "whole"
  | "pairs"
  | "names-and-values"
  | "json-or-whole"
  | "json-or-list"
  | "health"
  | "trigger"
  | "ignored";

const FORMS: Readonly<Record<string, Form>> = {
  add: "json-or-list",
  arg: "names-and-values",
  cmd: "json-or-whole",
  copy: "json-or-list",
  entrypoint: "json-or-whole",
  env: "pairs",
  expose: "blank-separated",
  from: "blank-separated",
  healthcheck: "health",
  label: "pairs",
  maintainer: "whole",
  onbuild: "trigger",
  run: "json-or-whole",
  shell: "json-or-whole",
  stopsignal: "whole",
  user: "whole",
  volume: "json-or-list",
  workdir: "whole",
};

/** Every instruction there is. */
export const KEYWORDS = Object.keys(FORMS);

type Arguments = Pick<DockerfileNode, "args" | "isJson">;

function argumentsOf(
  form: Exclude<Form, "trigger">,
  { rest, keyword, escape }: { readonly rest: string; readonly keyword: string; readonly escape: EscapeToken },
): Arguments {
  switch (form) {
    case "blank-separated":
      return plain(blankSeparated(rest));
    case "whole":
      return plain(rest === "" ? [] : [rest]);
    case "pairs":
      return plain(pairsIn(rest, { keyword: keyword.toUpperCase(), escape }));
    case "names-and-values":
      return plain(quotedWords(rest, escape));
    case "json-or-whole":
      return jsonList(rest) ?? plain(rest === "" ? [] : [rest]);
    case "json-or-list":
      return jsonList(rest) ?? plain(blankSeparated(rest));
    case "health":
      return healthArguments(rest);
    case "ignored":
      return plain([]);
  }
}

function plain(args: readonly string[]): Arguments {
  return { args, isJson: false };
}

/** `NAME value with blanks`, or `NAME=value …`. */
function pairsIn(
  rest: string,
  { keyword, escape }: { readonly keyword: string; readonly escape: EscapeToken },
): readonly string[] {
  const words = quotedWords(rest, escape);
  if (words.length === 0) return [];
  if (words[0]?.includes("=") !== true) {
    const [, name, value] = /^([^\t\v\f\r ]*)[\t\v\f\r ]+(.*)$/s.exec(rest) ?? [];
    if (name === undefined || value === undefined) throw new OperationError("invalid", `${keyword} must have two arguments`);
    return [name, value];
  }
  return words.flatMap(word => {
    const at = word.indexOf("=");
    if (at >= 0) return [word.slice(0, at), word.slice(at + 1)];
    const shown = JSON.stringify(word);
    throw new OperationError("invalid", `Syntax error - can't find = in ${shown}. Must be of the form: name=value`);
  });
}

/** `undefined` for what is no JSON: it is then a line for the shell, or a list of words. */
function jsonList(rest: string): Arguments | undefined {
  if (!rest.trimStart().startsWith("[")) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(rest);
  } catch {
    return undefined;
  }
  if (!Array.isArray(value)) return undefined;
  if (value.every(item => typeof item === "string")) return { args: value, isJson: true };
  throw new OperationError("invalid", "when using JSON array syntax, arrays must be comprised of strings only");
}

/** A type, and what else there is. */
function healthArguments(rest: string): Arguments {
  const [, type, command = ""] = /^(\S+)\s*(.*)$/s.exec(rest) ?? [];
  if (type === undefined) return plain([]);
  const { args, isJson } = jsonList(command) ?? plain(command === "" ? [] : [command]);
  return { args: [type, ...args], isJson };
}

/** With the file's name before what is wrong in it. */
export function parseDockerfileNamed(name: string, text: string): ParsedDockerfile {
  if (text === "") throw new OperationError("invalid", `the Dockerfile (${name}) cannot be empty`);
  try {
    return parseDockerfile(text);
  } catch (error) {
    throw new OperationError("invalid", `failed to parse ${name}: ${errorMessage(error)}`, { cause: error });
  }
}
