import type { ApiContext } from "../context.ts";
import type { Handler, Route } from "../http/exchange.ts";

function makeRoute(method: string): (pattern: string, handle: Handler<ApiContext>) => Route<ApiContext> {
  return (pattern, handle) => ({ method, pattern, handle });
}

export const GET = makeRoute("GET");
export const OPTIONS = makeRoute("OPTIONS");
export const HEAD = makeRoute("HEAD");
export const POST = makeRoute("POST");
export const PUT = makeRoute("PUT");
export const DELETE = makeRoute("DELETE");
