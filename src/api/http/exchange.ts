import type { IncomingHttpHeaders } from "node:http";

/** What a route gets: a request with its path already taken apart. */
export interface ApiRequest {
  readonly method: string;
  /** Decoded, without the version prefix. */
  readonly path: string;
  /** `1.50`: of the prefix, or the newest. */
  readonly version: string;
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly body: RequestBody;
  /** Aborted when the client has gone. */
  readonly signal: AbortSignal;
  readonly isUpgrade: boolean;
}

export interface RequestBody {
  /** Missing when it is chunked. */
  readonly length: number | undefined;
  readonly stream: AsyncIterable<Uint8Array>;
}

/** What a route answers. */
export type Answer =
  | { readonly kind: "json"; readonly status: number; readonly value: unknown }
  | { readonly kind: "empty"; readonly status: number; readonly headers?: Readonly<Record<string, string>> }
  | { readonly kind: "text"; readonly text: string; readonly headers: Readonly<Record<string, string>> }
  /** Sent as it comes. Nothing has been sent while `chunks` has given nothing and `isEager` is false, so an error can still be an error. */
  | {
      readonly kind: "stream";
      readonly contentType: string;
      readonly headers?: Readonly<Record<string, string>>;
      readonly chunks: AsyncIterable<Uint8Array>;
      readonly isEager: boolean;
      /** Appended when `chunks` throws after the first byte. */
      readonly onError?: (error: unknown) => Uint8Array;
      /** That is where an error stands also when nothing was sent before it: the status never tells. */
      readonly failsInBody?: boolean;
    }
  | {
      readonly kind: "hijack";
      /** Messages in place of raw bytes; the client must have asked for it. */
      readonly isWebSocket?: boolean;
      readonly run: (connection: HijackedConnection) => Promise<void>;
    };

/** The connection as a raw two-way stream. Until `open`, an error thrown is answered as any other. */
export interface HijackedConnection {
  /** Sends the response's head. Once. */
  open(contentType: string): void;
  readonly isOpen: boolean;
  /** Ends when the client has closed its half. */
  readonly input: AsyncIterable<Uint8Array>;
  /** Resolves when the client can take more; rejects when it has gone. */
  write(...parts: readonly Uint8Array[]): Promise<void>;
  readonly signal: AbortSignal;
}

export type Handler<Context> = (request: ApiRequest, context: Context) => Promise<Answer> | Answer;

export interface Route<Context> {
  readonly method: string;
  /** `/images/{name:.*}/json`; a bare `{id}` stays within a segment. */
  readonly pattern: string;
  readonly handle: Handler<Context>;
}

export function json(value: unknown, status = 200): Answer {
  return { kind: "json", status, value };
}

export function empty(status = 204): Answer {
  return { kind: "empty", status };
}
