import type { ApiContext } from "../context.ts";
import type { Answer, ApiRequest, Route } from "../http/exchange.ts";
import { json } from "../http/exchange.ts";
import { textOf } from "../http/query.ts";
import { registryAuth } from "../wire/auth.ts";
import { GET } from "./route.ts";

async function privileges(request: ApiRequest, { backends }: ApiContext): Promise<Answer> {
  const credentials = registryAuth(request.headers["x-registry-auth"]);
  const asked = await backends.system.pluginPrivileges(textOf(request, "remote"), { credentials, signal: request.signal });
  return json(asked.map(({ name, description, value }) => ({ Name: name, Description: description, Value: value })));
}

/** Managed plugins: what one in a registry needs can be asked, and there are none here. */
export const PLUGIN_ROUTES: readonly Route<ApiContext>[] = [
  GET("/plugins", () => json([])),
  GET("/plugins/privileges", privileges),
];
