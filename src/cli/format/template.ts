import { callFunction, isTrue } from "./template-functions.ts";
import { type Operand, parseTemplate, type Pipeline, TemplateError, type TemplateNode } from "./template-parser.ts";

/** A parsed `--format`; each call renders one object. @throws TemplateError for text that is no template, and for fields an object does not have. */
export function compileTemplate(source: string): (data: unknown) => string {
  const nodes = parseTemplate(unescapeTabs(source));
  return data => render(nodes, data, new Map([["$", data]]));
}

/** The shell passes `\t` and `\n` as two characters; Docker's CLI reads them as one. */
function unescapeTabs(source: string): string {
  return source.replaceAll("\\t", "\t").replaceAll("\\n", "\n");
}

type Scope = Map<string, unknown>;

function render(nodes: readonly TemplateNode[], dot: unknown, scope: Scope): string {
  return nodes.map(node => renderNode(node, dot, scope)).join("");
}

function renderNode(node: TemplateNode, dot: unknown, scope: Scope): string {
  switch (node.kind) {
    case "text":
      return node.text;
    case "print":
      return printed(evaluate(node.pipeline, dot, scope));
    case "assign":
      scope.set(node.name, evaluate(node.pipeline, dot, scope));
      return "";
    case "if":
      return render(isTrue(evaluate(node.pipeline, dot, scope)) ? node.body : node.otherwise, dot, new Map(scope));
    case "with": {
      const value = evaluate(node.pipeline, dot, scope);
      return isTrue(value) ? render(node.body, value, new Map(scope)) : render(node.otherwise, dot, new Map(scope));
    }
    case "range":
      return renderRange(node, dot, scope);
  }
}

function renderRange(node: Extract<TemplateNode, { kind: "range" }>, dot: unknown, scope: Scope): string {
  const value = evaluate(node.pipeline, dot, scope);
  const items = entriesOf(value);
  if (items.length === 0) return render(node.otherwise, dot, new Map(scope));
  return items
    .map(([key, item]) => {
      const inner = new Map(scope);
      const [first, second] = node.variables;
      if (first !== undefined) inner.set(first, second === undefined ? item : key);
      if (second !== undefined) inner.set(second, item);
      return render(node.body, item, inner);
    })
    .join("");
}

/** Go ranges over maps in key order. */
function entriesOf(value: unknown): readonly (readonly [unknown, unknown])[] {
  if (Array.isArray(value)) return value.map((item: unknown, index) => [index, item] as const);
  if (isRecord(value)) {
    return Object.keys(value)
      .sort()
      .map(key => [key, value[key]] as const);
  }
  return [];
}

function evaluate(pipeline: Pipeline, dot: unknown, scope: Scope): unknown {
  let piped: readonly unknown[] = [];
  for (const [head, ...rest] of pipeline) {
    if (head === undefined) throw new TemplateError("missing value for command");
    const args = [...rest.map(operand => valueOf(operand, dot, scope)), ...piped];
    if (head.kind === "function") piped = [callFunction(head.name, args)];
    else if (args.length > 0) throw new TemplateError("can't give argument to non-function");
    else piped = [valueOf(head, dot, scope)];
  }
  return piped[0];
}

function valueOf(operand: Operand, dot: unknown, scope: Scope): unknown {
  switch (operand.kind) {
    case "literal":
      return operand.value;
    case "field":
      return walk(dot, operand.path);
    case "variable":
      if (!scope.has(operand.name)) throw new TemplateError(`undefined variable "${operand.name}"`);
      return walk(scope.get(operand.name), operand.path);
    case "group":
      return walk(evaluate(operand.pipeline, dot, scope), operand.path);
    case "function":
      return callFunction(operand.name, []);
  }
}

function walk(value: unknown, path: readonly string[]): unknown {
  let current = value;
  for (const name of path) {
    if (current === null || current === undefined) return undefined;
    if (!isRecord(current)) throw new TemplateError(`can't evaluate field ${name} in type ${typeof current}`);
    if (!(name in current)) throw new TemplateError(`map has no entry for key "${name}"`);
    current = current[name];
  }
  return current;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** As Go prints values: lists in brackets, maps as `map[k:v]`, nothing as `<no value>`. */
export function printed(value: unknown): string {
  if (value === undefined) return "<no value>";
  if (value === null) return "<nil>";
  if (Array.isArray(value)) return `[${value.map(printed).join(" ")}]`;
  if (isRecord(value)) {
    return `map[${Object.keys(value)
      .sort()
      .map(key => `${key}:${printed(value[key])}`)
      .join(" ")}]`;
  }
  return `${value as string | number | boolean}`;
}
