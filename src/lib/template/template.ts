import { callFunction, isTrue, type TemplateFunctions } from "./template-functions.ts";
import { TemplateError } from "./template-error.ts";
import { type Operand, parseTemplate, type Pipeline, type TemplateNode } from "./template-parser.ts";

/** A template that is none (`parse`), or that asks for what an object does not have (`execute`). */
export class TemplateFailure extends Error {
  override readonly name = "TemplateFailure";
  readonly phase: "parse" | "execute";

  /** @param detail - What Go says after `template: `. */
  constructor(phase: "parse" | "execute", detail: string) {
    super(detail);
    this.phase = phase;
  }
}

export interface TemplateOptions {
  /** What Docker calls the type of a listing's rows; without it objects are plain JSON. */
  readonly rowType?: string;
  /** It is no `--format`: `\t` in it is two characters, and an entry that a map lacks is a mistake, or nothing when it is asked for with `index`. */
  readonly isFile?: boolean;
  /** Beside the built-in ones, or in their place. */
  readonly functions?: TemplateFunctions;
}

/** A parsed `--format`; each call renders one object. @throws TemplateFailure here and when rendering. */
export function compileTemplate(source: string, options: TemplateOptions = {}): (data: unknown) => string {
  const { isFile = false, functions = {} } = options;
  const text = isFile ? source : unescapeTabs(source);
  const nodes = failing("parse", () => parseTemplate(text, functions));
  return data =>
    failing("execute", () =>
      render(
        nodes,
        data,
        new Map<string, unknown>([
          ["$", data],
          ["", { text, rowType: options.rowType, isFile, functions, data } satisfies Origin],
        ]),
      ),
    );
}

function failing<T>(phase: "parse" | "execute", work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    throw new TemplateFailure(phase, error.message.startsWith(":1:") ? error.message : `:1: ${error.message}`);
  }
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
      return shown(evaluate(node.pipeline, dot, scope), scope);
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
    if (head.kind === "function") {
      piped = [callFunction(head.name, args, originOf(scope).functions)];
      continue;
    }
    const value = valueOf(head, dot, scope);
    if (typeof value === "function") piped = [(value as (...given: readonly unknown[]) => unknown)(...args)];
    else if (args.length > 0) throw new TemplateError("can't give argument to non-function");
    else piped = [value];
  }
  return piped[0];
}

function valueOf(operand: Operand, dot: unknown, scope: Scope): unknown {
  switch (operand.kind) {
    case "literal":
      return operand.value;
    case "field":
      return walk(dot, operand.path, scope);
    case "variable":
      if (!scope.has(operand.name)) throw new TemplateError(`undefined variable "${operand.name}"`);
      return walk(scope.get(operand.name), operand.path, scope);
    case "group":
      return walk(evaluate(operand.pipeline, dot, scope), operand.path, scope);
    case "function":
      return callFunction(operand.name, [], originOf(scope).functions);
  }
}

function walk(value: unknown, path: readonly string[], scope: Scope): unknown {
  let current = value;
  for (const [index, name] of path.entries()) {
    if (current === null || current === undefined) return undefined;
    const isRow = current === originOf(scope).data && originOf(scope).rowType !== undefined;
    if (!isRecord(current) || (isRow && !Object.hasOwn(current, name))) {
      const type = isRow ? originOf(scope).rowType : typeof current;
      throw missing({ path, index, scope, problem: `can't evaluate field ${name} in type ${type}` });
    }
    if (!Object.hasOwn(current, name)) {
      if (MAPS.has(path[index - 1] ?? "") && !originOf(scope).isFile) return undefined;
      throw missing({ path, index, scope, problem: `map has no entry for key "${name}"` });
    }
    current = current[name] ?? emptyOf(name);
  }
  return current;
}

interface Origin {
  readonly text: string;
  readonly rowType: string | undefined;
  readonly isFile: boolean;
  readonly functions: TemplateFunctions;
  readonly data: unknown;
}

/** The template itself stands in its scope under a name that no variable has. */
function originOf(scope: Scope): Origin {
  return scope.get("") as Origin;
}

/** Go names the place: the column of the dot before the field that failed. */
function missing(at: {
  readonly path: readonly string[];
  readonly index: number;
  readonly scope: Scope;
  readonly problem: string;
}): TemplateError {
  const whole = at.path.map(name => `.${name}`).join("");
  const before = at.path.slice(0, at.index).join(".").length + (at.index > 0 ? 1 : 0);
  const column = originOf(at.scope).text.indexOf(whole) + before;
  return new TemplateError(`:1:${column}: executing "" at <${whole}>: ${at.problem}`);
}

/** Fields that are maps in Docker's types: a key that is not there is no mistake, and nothing prints as an empty map. */
const MAPS: ReadonlySet<string> = new Set(
  "Labels Options DriverOpts Annotations Sysctls StorageOpt Tmpfs ExposedPorts Volumes Ports PortBindings Config.Networks Containers Networks GenericResources Attributes".split(
    " ",
  ),
);
/** Fields that are lists in Docker's types: nothing prints as an empty one. */
const LISTS: ReadonlySet<string> = new Set(
  "Binds Cmd Entrypoint Env OnBuild CapAdd CapDrop Dns DnsOptions DnsSearch ExtraHosts GroupAdd Links SecurityOpt VolumesFrom Devices DeviceCgroupRules DeviceRequests Ulimits MaskedPaths ReadonlyPaths ExecIDs Mounts Aliases DNSNames Args RepoTags RepoDigests Layers BlkioWeightDevice".split(
    " ",
  ),
);

function emptyOf(name: string): unknown {
  return LISTS.has(name) ? [] : MAPS.has(name) ? {} : null;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function shown(value: unknown, scope: Scope): string {
  return value === undefined && originOf(scope).isFile ? "" : printed(value);
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
