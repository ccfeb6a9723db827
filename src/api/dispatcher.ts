import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { WebSocket } from "ws";
import { errorKind, errorMessage, OperationError } from "../lib/errors.ts";
import { type AuthorizedResponse, authorizeRequest, type Authorizer, responseHeaders } from "./authorizer.ts";
import type { ApiContext } from "./context.ts";
import { jsonBytes, sendAnswer, sendError } from "./http/answer.ts";
import { Connection } from "./http/connection.ts";
import type { Answer, ApiRequest, RequestBody } from "./http/exchange.ts";
import { RequestLife } from "./http/request-life.ts";
import { Router } from "./http/router.ts";
import type { SocketInput } from "./http/socket-input.ts";
import { cleanPath, movedTo, parseTarget } from "./http/target.ts";
import { API_VERSION, splitVersion, isFromBeforeJsonErrors } from "./http/version.ts";
import { WebSocketConnection } from "./http/websocket.ts";
import { ROUTES } from "./routes/all.ts";

export interface Incoming {
  readonly message: IncomingMessage;
  readonly response: ServerResponse;
  readonly body: RequestBody;
  readonly isUpgrade: boolean;
  /** @see RequestLife */
  readonly isRequestsOnly: boolean;
  readonly take: () => { readonly socket: Duplex; readonly input?: SocketInput };
  /** Given when the client asked for a WebSocket: shakes hands. */
  readonly accept?: () => WebSocket;
}

/** `POST /v1.51/containers/x/wait`. */
export interface RequestInFlight {
  readonly request: string;
  readonly forMs: number;
}

export interface DispatcherOptions extends ApiContext {
  readonly version: string;
  readonly authorizer?: Authorizer;
}

/** What every answer says of the server. */
const OWN_HEADERS = ["Api-Version", "Docker-Experimental", "Ostype", "Server"];

/** Takes each request to its route and its answer back. */
export class Dispatcher {
  readonly #options: DispatcherOptions;
  readonly #router = new Router(ROUTES);
  readonly #inFlight = new Map<RequestLife, { readonly request: string; readonly startedMs: number }>();

  constructor(options: DispatcherOptions) {
    this.#options = options;
  }

  /** Everything in flight is cancelled. */
  close(): void {
    for (const life of this.#inFlight.keys()) life.end(new OperationError("unavailable", "the server is stopping"));
  }

  get requestsInFlight(): readonly RequestInFlight[] {
    const nowMs = this.#options.clock.monotonicMs();
    return [...this.#inFlight.values()].map(({ request, startedMs }) => ({ request, forMs: Math.round(nowMs - startedMs) }));
  }

  dispatch(incoming: Incoming): void {
    const { message, response, isRequestsOnly } = incoming;
    const life = new RequestLife(message.socket, { isRequestsOnly });
    const request = `${message.method} ${(message.url ?? "").split("?")[0]}`; // A query may hold what is secret.
    this.#inFlight.set(life, { request, startedMs: this.#options.clock.monotonicMs() });
    response.setHeader("Api-Version", API_VERSION);
    response.setHeader("Docker-Experimental", "false");
    response.setHeader("Ostype", "linux");
    response.setHeader("Server", `Shoal/${this.#options.version} (linux)`);
    this.#serve(incoming, life)
      .catch((error: unknown) => this.#onFailure(incoming, error, life.requestSignal))
      .finally(() => {
        this.#inFlight.delete(life);
        life.release();
      });
  }

  async #serve(incoming: Incoming, life: RequestLife): Promise<void> {
    const { message, response, body, isUpgrade } = incoming;
    const { path: whole, query } = parseTarget(message.url ?? "/");
    const method = message.method ?? "GET";
    const clean = cleanPath(whole);
    if (clean !== whole) return sendAnswer(response, movedTo(clean, query));
    const { version, path } = splitVersion(whole);
    const match = this.#router.match(method, path);
    if (match === undefined) throw new OperationError("not-found", "page not found");
    const session = this.#options.authorizer?.begin();
    const asked = session === undefined ? undefined : await authorizeRequest(session, { message, body, path });
    const request: ApiRequest = {
      method,
      path,
      version,
      params: match.params,
      query,
      headers: message.headers,
      body: asked?.body ?? body,
      signal: life.requestSignal,
      isUpgrade,
    };
    let answer: Answer;
    try {
      answer = await match.handle(request, this.#options);
    } catch (error) {
      // Plugins hear of it, as Docker's; what they say changes nothing.
      if (asked !== undefined) await session?.authorizeResponse(asked.request, { headers: {} }).catch(() => undefined);
      throw error;
    }
    if (asked !== undefined) await session?.authorizeResponse(asked.request, shownOf(answer, response));
    if (answer.kind === "hijack") await this.#hijack(answer, { ...incoming, body: request.body }, life.connectionSignal);
    else await sendAnswer(response, answer);
  }

  async #hijack(answer: Answer & { readonly kind: "hijack" }, incoming: Incoming, signal: AbortSignal): Promise<void> {
    for await (const _ of incoming.body.stream); // What the route did not read is not the container's input either.
    const connection = answer.isWebSocket === true ? webSocket(incoming, signal) : this.#raw(incoming, signal);
    try {
      await answer.run(connection);
    } finally {
      connection.finish();
    }
  }

  #raw({ response, take, isUpgrade }: Incoming, signal: AbortSignal): Connection {
    const headers = Object.fromEntries(OWN_HEADERS.map(name => [name, String(response.getHeader(name))]));
    return new Connection({ take, isUpgrade, headers, signal, timeout: ms => this.#options.clock.timeout(ms) });
  }

  #onFailure({ message, response }: Incoming, error: unknown, signal: AbortSignal): void {
    const fields = { method: message.method, url: message.url, error: errorMessage(error) };
    if (errorKind(error) === "internal" && !signal.aborted) this.#options.log.error(fields, "request failed");
    else this.#options.log.debug(fields, "request refused");
    if (response.headersSent || response.socket === null || response.destroyed) return;
    message.resume();
    sendError(response, error, { isPlain: isFromBeforeJsonErrors(message.url ?? "") });
  }
}

function webSocket({ accept }: Incoming, signal: AbortSignal): WebSocketConnection {
  if (accept === undefined) throw new OperationError("invalid", "this route answers WebSocket handshakes only");
  return new WebSocketConnection({ accept, signal });
}

/** What plugins are shown of an answer, before any of it is sent. */
function shownOf(answer: Answer, response: ServerResponse): AuthorizedResponse {
  const headers = responseHeaders(response);
  switch (answer.kind) {
    case "json": {
      const body = jsonBytes(answer.value);
      return { status: answer.status, headers: { ...headers, "Content-Type": "application/json" }, body };
    }
    case "empty":
      return { status: answer.status, headers: { ...headers, ...answer.headers } };
    case "text":
      return { status: 200, headers: { ...headers, ...answer.headers } };
    case "stream":
      return { status: 200, headers: { ...headers, "Content-Type": answer.contentType, ...answer.headers } };
    case "hijack":
      return { status: 200, headers };
  }
}
