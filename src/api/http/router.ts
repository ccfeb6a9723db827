import type { Handler, Route } from "./exchange.ts";

interface Entry<Context> {
  readonly method: string;
  readonly regex: RegExp;
  readonly names: readonly string[];
  readonly handle: Handler<Context>;
}

export interface Match<Context> {
  readonly handle: Handler<Context>;
  readonly params: Readonly<Record<string, string>>;
}

/** Finds the first route that fits, in the order of the table: image names hold slashes, so no tree of segments would do. */
export class Router<Context> {
  readonly #entries: readonly Entry<Context>[];

  constructor(routes: readonly Route<Context>[]) {
    this.#entries = routes.map(({ method, pattern, handle }) => ({ method, handle, ...compile(pattern) }));
  }

  match(method: string, path: string): Match<Context> | undefined {
    for (const entry of this.#entries) {
      if (entry.method !== method) continue;
      const found = entry.regex.exec(path);
      if (found === null) continue;
      const params = Object.fromEntries(entry.names.map((name, index) => [name, found[index + 1] ?? ""]));
      return { handle: entry.handle, params };
    }
    return undefined;
  }
}

function compile(pattern: string): { readonly regex: RegExp; readonly names: readonly string[] } {
  const names: string[] = [];
  const source = pattern.replace(/\{(\w+)(?::([^}]+))?\}|[.*+?^$()|[\]\\]/g, (part, name?: string, inner?: string) => {
    if (name === undefined) return `\\${part}`;
    names.push(name);
    return `(${inner ?? "[^/]+"})`;
  });
  return { regex: new RegExp(`^${source}$`, "s"), names };
}
