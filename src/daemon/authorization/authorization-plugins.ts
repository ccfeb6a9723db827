import type { AuthorizedRequest, AuthorizedResponse, Authorizer, AuthorizerSession } from "../../api/authorizer.ts";
import { errorMessage, OperationError } from "../../lib/errors.ts";
import { AuthorizationPlugin, type PluginParts } from "./plugin.ts";

/** `--authorization-plugin`: each is asked in turn about every request, and again about its answer; one denial is enough. */
export class AuthorizationPlugins implements Authorizer {
  readonly #parts: PluginParts;
  #plugins: readonly AuthorizationPlugin[] = [];

  constructor(parts: PluginParts) {
    this.#parts = parts;
  }

  /** @returns what makes these the ones that are asked. @throws OperationError `invalid` for one that is not there. */
  async prepare(names: readonly string[]): Promise<() => void> {
    const known = new Map(this.#plugins.map(plugin => [plugin.name, plugin]));
    const plugins = names.map(name => known.get(name) ?? new AuthorizationPlugin(name, this.#parts));
    for (const plugin of plugins.filter(({ name }) => !known.has(name))) {
      try {
        await plugin.activate();
      } catch (cause) {
        throw new OperationError("invalid", `validating authorization plugin: ${errorMessage(cause)}`, { cause });
      }
    }
    return () => void (this.#plugins = plugins);
  }

  /** The plugins of now are asked about the whole exchange. */
  begin(): AuthorizerSession | undefined {
    const plugins = this.#plugins;
    if (plugins.length === 0) return undefined;
    return {
      authorizeRequest: request => askAll(plugins, "/AuthZPlugin.AuthZReq", requestJson(request)),
      authorizeResponse: (request, response) =>
        askAll(plugins, "/AuthZPlugin.AuthZRes", { ...requestJson(request), ...responseJson(response) }),
    };
  }
}

/** A plugin that cannot be asked denies by that. */
async function askAll(plugins: readonly AuthorizationPlugin[], path: string, question: unknown): Promise<void> {
  for (const plugin of plugins) {
    let answer: Readonly<Record<string, unknown>>;
    try {
      answer = await plugin.call(path, question);
    } catch (cause) {
      throw new OperationError("internal", `plugin ${plugin.name} failed with error: ${errorMessage(cause)}`, { cause });
    }
    if (answer["Allow"] === true) continue;
    const reason = typeof answer["Msg"] === "string" ? answer["Msg"] : "";
    throw new OperationError("forbidden", `authorization denied by plugin ${plugin.name}: ${reason}`);
  }
}

/** What is empty is left out, as Go does. */
function requestJson({ method, uri, user, userMethod, headers, body, peerCertificates }: AuthorizedRequest) {
  return {
    ...(user !== "" && { User: user }),
    ...(userMethod !== "" && { UserAuthNMethod: userMethod }),
    RequestMethod: method,
    RequestUri: uri,
    ...(body !== undefined && body.byteLength > 0 && { RequestBody: base64(body) }),
    RequestHeaders: headers,
    ...(peerCertificates.length > 0 && { RequestPeerCertificates: peerCertificates.map(pem => base64(Buffer.from(pem))) }),
  };
}

function responseJson({ status, headers, body }: AuthorizedResponse) {
  return {
    ...(status !== undefined && { ResponseStatusCode: status }),
    ...(body !== undefined && body.byteLength > 0 && { ResponseBody: base64(body) }),
    ResponseHeaders: headers,
  };
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}
