import { TemplateError } from "./template-error.ts";

export type TemplateFunctions = Readonly<Record<string, (...args: readonly unknown[]) => unknown>>;

/** Go's built-in template functions and those that Docker's CLI adds. @param own - Of the template; they come first. */
export function callFunction(name: string, args: readonly unknown[], own: TemplateFunctions): unknown {
  const implementation = Object.hasOwn(own, name) ? own[name] : FUNCTIONS[name];
  if (implementation === undefined) throw new TemplateError(`function "${name}" not defined`);
  return implementation(...args);
}

const ROW = Symbol("row of a listing");

/** A row of a listing: printed whole as JSON it is escaped for HTML, as Docker's rows are and nothing else is. */
export function asRow(fields: Readonly<Record<string, unknown>>, label: (key: string) => string): object {
  return Object.defineProperties({ ...fields }, { Label: { value: label }, [ROW]: { value: true } });
}

function isRow(value: unknown): boolean {
  return typeof value === "object" && value !== null && ROW in value;
}

/** @throws TemplateError for a name that is no function. */
export function checkFunction(name: string, own: TemplateFunctions): void {
  if (!Object.hasOwn(own, name) && !Object.hasOwn(FUNCTIONS, name)) throw new TemplateError(`function "${name}" not defined`);
}

/** Go's idea of truth: empty and zero are false. */
export function isTrue(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0;
  if (typeof value === "object" && value !== null) return Object.keys(value).length > 0;
  return Boolean(value);
}

const FUNCTIONS: TemplateFunctions = {
  json: value => (isRow(value) ? goJson(value) : (JSON.stringify(value) ?? "null")),
  println: (...args) => `${args.map(text).join(" ")}\n`,
  print: (...args) => args.map(text).join(""),
  printf: (format, ...args) => formatted(text(format), args),
  len: value => lengthOf(value),
  index: (value, ...keys) => keys.reduce(indexInto, value),
  join: (list, separator) => (Array.isArray(list) ? list.map(text).join(text(separator)) : text(list)),
  split: (value, separator) => text(value).split(text(separator)),
  upper: value => text(value).toUpperCase(),
  lower: value => text(value).toLowerCase(),
  title: value => text(value).replace(/\b\w/g, letter => letter.toUpperCase()),
  truncate: (value, length) => text(value).slice(0, Number(length)),
  pad: (value, left, right) => (text(value) === "" ? "" : " ".repeat(Number(left)) + text(value) + " ".repeat(Number(right))),
  not: value => !isTrue(value),
  and: (...args) => args.find(value => !isTrue(value)) ?? args.at(-1),
  or: (...args) => args.find(isTrue) ?? args.at(-1),
  eq: (first, ...others) => others.some(other => other === first),
  ne: (a, b) => a !== b,
  lt: (a, b) => compare(a, b) < 0,
  le: (a, b) => compare(a, b) <= 0,
  gt: (a, b) => compare(a, b) > 0,
  ge: (a, b) => compare(a, b) >= 0,
  slice: (value, from, to) =>
    Array.isArray(value)
      ? value.slice(Number(from), to as number | undefined)
      : text(value).slice(Number(from), to as number | undefined),
};

function text(value: unknown): string {
  if (value === undefined || value === null) return "";
  return typeof value === "string" ? value : typeof value === "object" ? goJson(value) : `${value as number | boolean}`;
}

/** As Go's encoder writes it: no spaces, and `<`, `>`, `&` escaped. */
export function goJson(value: unknown): string {
  return (JSON.stringify(value) ?? "null").replaceAll("<", "\\u003c").replaceAll(">", "\\u003e").replaceAll("&", "\\u0026");
}

function lengthOf(value: unknown): number {
  if (typeof value === "string" || Array.isArray(value)) return value.length;
  if (typeof value === "object" && value !== null) return Object.keys(value).length;
  if (value === undefined || value === null) return 0;
  throw new TemplateError("len of type that has no length");
}

function indexInto(value: unknown, key: unknown): unknown {
  if (Array.isArray(value)) {
    const index = Number(key);
    if (index < 0 || index >= value.length) throw new TemplateError(`error calling index: index out of range: ${index}`);
    return value[index];
  }
  if (typeof value === "object" && value !== null)
    return Object.hasOwn(value, String(key)) ? (value as Readonly<Record<string, unknown>>)[String(key)] : undefined;
  throw new TemplateError("error calling index: can't index item");
}

function compare(a: unknown, b: unknown): number {
  if (typeof a === "number" && typeof b === "number") return a - b;
  return text(a) < text(b) ? -1 : text(a) > text(b) ? 1 : 0;
}

function formatted(format: string, args: readonly unknown[]): string {
  let next = 0;
  return format.replace(
    /%([-0]?)(\d*)(?:\.(\d+))?([sdvqft%])/g,
    (_, flag: string, width: string, precision: string | undefined, verb: string) => {
      if (verb === "%") return "%";
      const value = args[next++];
      const shown =
        verb === "q"
          ? JSON.stringify(text(value))
          : verb === "f"
            ? Number(value).toFixed(precision === undefined ? 6 : Number(precision))
            : text(value);
      if (flag === "-") return shown.padEnd(Number(width));
      return shown.padStart(Number(width), flag === "0" ? "0" : " ");
    },
  );
}
