import { TemplateError } from "./template-error.ts";
import { checkFunction, type TemplateFunctions } from "./template-functions.ts";

/** Go's text/template, as far as `--format` is used with it: fields, pipelines, functions, if, range, with, variables, literals. */
export type TemplateNode =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "print"; readonly pipeline: Pipeline }
  | { readonly kind: "assign"; readonly name: string; readonly pipeline: Pipeline }
  | {
      readonly kind: "if" | "with";
      readonly pipeline: Pipeline;
      readonly body: readonly TemplateNode[];
      readonly otherwise: readonly TemplateNode[];
    }
  | {
      readonly kind: "range";
      readonly variables: readonly string[];
      readonly pipeline: Pipeline;
      readonly body: readonly TemplateNode[];
      readonly otherwise: readonly TemplateNode[];
    };

/** Commands joined by `|`; each one's result is the last argument of the next. */
export type Pipeline = readonly (readonly Operand[])[];

export type Operand =
  | { readonly kind: "field"; readonly path: readonly string[] }
  | { readonly kind: "variable"; readonly name: string; readonly path: readonly string[] }
  | { readonly kind: "function"; readonly name: string }
  | { readonly kind: "literal"; readonly value: string | number | boolean | null }
  | { readonly kind: "group"; readonly pipeline: Pipeline; readonly path: readonly string[] };

/** @param functions - Beside the built-in ones. */
export function parseTemplate(source: string, functions: TemplateFunctions): readonly TemplateNode[] {
  const segments = splitActions(source);
  const state = { segments, functions, next: 0 };
  const { nodes, end } = parseList(state);
  if (end !== undefined) throw new TemplateError(`unexpected {{${end}}}`);
  return nodes;
}

type Segment = { readonly kind: "text"; readonly text: string } | { readonly kind: "action"; readonly text: string };

function splitActions(source: string): readonly Segment[] {
  const segments: Segment[] = [];
  let rest = source;
  let trimsNext = false;
  for (;;) {
    const open = rest.indexOf("{{");
    let text = open < 0 ? rest : rest.slice(0, open);
    if (trimsNext) text = text.trimStart();
    if (open < 0) {
      if (text !== "") segments.push({ kind: "text", text });
      return segments;
    }
    const close = rest.indexOf("}}", open);
    if (close < 0) throw new TemplateError("unclosed action");
    let action = rest.slice(open + 2, close);
    if (/^-\s/.test(action)) {
      text = text.trimEnd();
      action = action.slice(1);
    }
    trimsNext = /\s-$/.test(action);
    if (trimsNext) action = action.slice(0, -1);
    if (text !== "") segments.push({ kind: "text", text });
    segments.push({ kind: "action", text: action.trim() });
    rest = rest.slice(close + 2);
  }
}

interface ListState {
  readonly segments: readonly Segment[];
  readonly functions: TemplateFunctions;
  next: number;
}

/** Reads up to the `end` or `else` that closes the list, or to the end of the template. */
function parseList(state: ListState): { readonly nodes: readonly TemplateNode[]; readonly end: string | undefined } {
  const nodes: TemplateNode[] = [];
  while (state.next < state.segments.length) {
    const segment = state.segments[state.next++];
    if (segment === undefined) break;
    if (segment.kind === "text") nodes.push(segment);
    else if (segment.text === "end" || /^else\b/.test(segment.text)) return { nodes, end: segment.text };
    else if (!segment.text.startsWith("/*")) nodes.push(parseAction(segment.text, state));
  }
  return { nodes, end: undefined };
}

function parseAction(text: string, state: ListState): TemplateNode {
  const { functions } = state;
  const block = /^(if|with|range)\s+(.*)$/s.exec(text);
  if (block === null) {
    const assign = /^(\$\w+)\s*:?=\s*(.*)$/s.exec(text);
    if (assign !== null) return { kind: "assign", name: assign[1] ?? "", pipeline: parsePipeline(assign[2] ?? "", functions) };
    return { kind: "print", pipeline: parsePipeline(text, functions) };
  }
  const [, kind = "", rest = ""] = block;
  if (kind === "range") {
    const match = /^(\$\w+)(?:\s*,\s*(\$\w+))?\s*:=\s*(.*)$/s.exec(rest);
    const variables = match === null ? [] : [match[1] ?? "", match[2] ?? ""].filter(Boolean);
    return {
      kind,
      variables,
      pipeline: parsePipeline(match === null ? rest : (match[3] ?? ""), functions),
      ...parseBranches(state),
    };
  }
  return { kind: kind === "if" ? "if" : "with", pipeline: parsePipeline(rest, functions), ...parseBranches(state) };
}

function parseBranches(state: ListState): { body: readonly TemplateNode[]; otherwise: readonly TemplateNode[] } {
  const { nodes: body, end } = parseList(state);
  if (end === undefined) throw new TemplateError("unexpected EOF");
  if (end === "end") return { body, otherwise: [] };
  const condition = end.slice("else".length).trim();
  if (condition !== "") return { body, otherwise: [parseAction(condition, state)] };
  const other = parseList(state);
  if (other.end !== "end") throw new TemplateError("unexpected EOF");
  return { body, otherwise: other.nodes };
}

const TOKEN =
  /\s*(?:("(?:[^"\\]|\\.)*"|`[^`]*`)|(\||\(|\))|(-?\d+(?:\.\d+)?)(?![\w.])|(\$\w*)((?:\.\w+)*)|(\.(?:\w+(?:\.\w+)*)?)|(\w+))/y;

function parsePipeline(text: string, functions: TemplateFunctions): Pipeline {
  const tokens = tokenize(text, functions);
  const state = { tokens, next: 0 };
  const pipeline = readPipeline(state);
  if (state.next < tokens.length || pipeline.some(command => command.length === 0))
    throw new TemplateError(`missing value for command in {{${text}}}`);
  return pipeline;
}

type Token =
  | { readonly kind: "symbol"; readonly text: string }
  | { readonly kind: "operand"; readonly operand: Operand; readonly isAdjacent?: boolean };

function fieldPath(operand: Operand): readonly string[] {
  return operand.kind === "field" ? operand.path : [];
}

function tokenize(text: string, functions: TemplateFunctions): readonly Token[] {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.trimEnd().length) {
    const at = TOKEN.lastIndex;
    const match = TOKEN.exec(text);
    if (match === null) throw new TemplateError(`unexpected "${text.slice(at).trim()[0] ?? ""}" in operand`);
    tokens.push(toToken(match, functions));
  }
  return tokens;
}

function toToken(match: RegExpExecArray, functions: TemplateFunctions): Token {
  const [, quoted, symbol, number, variable, variablePath = "", field, word] = match;
  if (symbol !== undefined) return { kind: "symbol", text: symbol };
  let operand: Operand;
  if (quoted !== undefined) operand = { kind: "literal", value: unquote(quoted) };
  else if (number !== undefined) operand = { kind: "literal", value: Number(number) };
  else if (variable !== undefined) operand = { kind: "variable", name: variable, path: splitPath(variablePath) };
  else if (field !== undefined) operand = { kind: "field", path: splitPath(field) };
  else if (word === "true" || word === "false") operand = { kind: "literal", value: word === "true" };
  else if (word === "nil") operand = { kind: "literal", value: null };
  else {
    checkFunction(word ?? "", functions);
    operand = { kind: "function", name: word ?? "" };
  }
  return { kind: "operand", operand, isAdjacent: /^\S/.test(match[0]) };
}

function unquote(text: string): string {
  if (text.startsWith("`")) return text.slice(1, -1);
  try {
    return String(JSON.parse(text));
  } catch {
    throw new TemplateError(`bad string ${text}`);
  }
}

function splitPath(text: string): readonly string[] {
  return text.split(".").filter(Boolean);
}

function readPipeline(state: { readonly tokens: readonly Token[]; next: number }): Pipeline {
  const commands: Operand[][] = [[]];
  for (; state.next < state.tokens.length; state.next++) {
    const token = state.tokens[state.next];
    if (token === undefined) break;
    if (token.kind === "operand") commands.at(-1)?.push(token.operand);
    else if (token.text === "|") commands.push([]);
    else if (token.text === ")") break;
    else {
      state.next++;
      const pipeline = readPipeline(state);
      const closing = state.tokens[state.next];
      if (closing?.kind !== "symbol" || closing.text !== ")") throw new TemplateError("unclosed left paren");
      // `(index .Ports 0).HostPort`: the field belongs to the group, since no space stands between.
      const following = state.tokens[state.next + 1];
      const isField = following?.kind === "operand" && following.operand.kind === "field" && following.isAdjacent === true;
      commands.at(-1)?.push({ kind: "group", pipeline, path: isField ? fieldPath(following.operand) : [] });
      if (isField) state.next++;
    }
  }
  return commands;
}
