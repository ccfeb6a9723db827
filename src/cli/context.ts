import type { ApiClient } from "../api/client/client.ts";

/** What a command works with: the daemon behind DOCKER_HOST, the terminal, the time. */
export interface CliContext {
  readonly api: CliApi;
  /** For streams; `api` is the same daemon. */
  readonly client: ApiClient;
  /** Of the context that is used; `default` where a flag or the environment names the daemon itself. */
  readonly contextName: string;
  /** What the context `default` stands for. */
  readonly defaultHost: string;
  readonly stdout: (text: string) => void;
  readonly stderr: (text: string) => void;
  readonly nowMs: () => number;
  readonly sleep: (ms: number) => Promise<void>;
}

/** JSON calls; `api/client` does them. */
export interface CliApi {
  /** @throws ApiError with the daemon's message unless it answers 2xx. */
  json(
    method: "GET" | "POST" | "PUT" | "DELETE",
    path: string,
    options?: { readonly query?: Query; readonly body?: unknown },
  ): Promise<Json>;
}

export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

/** Decoded JSON. Reading a field that is not there gives `undefined`; `field`, `text`, `number` and `list` read it with a type. */
export type Json = { readonly [key: string]: Json } | readonly Json[] | string | number | boolean | null | undefined;

/** A value inside, by keys. */
export function field(value: Json, ...path: readonly string[]): Json {
  let current: Json = value;
  for (const key of path) {
    if (typeof current !== "object" || current === null || Array.isArray(current)) return undefined;
    current = (current as { readonly [key: string]: Json })[key];
  }
  return current;
}

export function text(value: Json, ...path: readonly string[]): string {
  const found = field(value, ...path);
  return typeof found === "string" ? found : "";
}

export function number(value: Json, ...path: readonly string[]): number {
  const found = field(value, ...path);
  return typeof found === "number" ? found : 0;
}

export function list(value: Json, ...path: readonly string[]): readonly Json[] {
  const found = field(value, ...path);
  return Array.isArray(found) ? (found as readonly Json[]) : [];
}

/** What the user did wrong: printed as it is, exit code 1 (or the one given). */
export class CliError extends Error {
  override readonly name = "CliError";
  readonly exitCode: number;

  constructor(message: string, exitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** Told by its name: commands are loaded on their own, and some loaders then give them a class of their own. */
export function isCliError(error: unknown): error is CliError {
  return error instanceof Error && error.name === "CliError";
}

/** `--filter a=b --filter a=c` as the API takes it. */
export function filterQuery(filters: readonly string[] = []): string | undefined {
  if (filters.length === 0) return undefined;
  const query: Record<string, string[]> = {};
  for (const filter of filters) {
    const at = filter.indexOf("=");
    const key = filter.slice(0, at).trim().toLowerCase();
    (query[key] ??= []).push(filter.slice(at + 1).trim());
  }
  return JSON.stringify(query);
}
