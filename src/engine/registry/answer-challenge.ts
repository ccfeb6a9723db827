import { OperationError } from "../../lib/errors.ts";
import type { Challenge } from "./challenge.ts";
import { isInsecureRegistry } from "./insecure.ts";
import { askRegistry, type RegistryAnswer } from "./registry-request.ts";

/** What a user gives to be known to a registry; all of it empty: nothing. */
export interface Credentials {
  /** `registry.example:5000`, with or without a scheme and a path; empty: the default registry. */
  readonly serverAddress: string;
  readonly username: string;
  readonly password: string;
  /** From an earlier login, in place of the password. */
  readonly identityToken: string;
}

export interface RegistryAccess {
  readonly credentials: Credentials;
  /** Registries (`host:port`) and ranges of addresses whose certificates are not looked at, and that may do without TLS. Loopback is one. */
  readonly insecure: readonly string[];
  readonly signal: AbortSignal;
}

export interface ChallengeAnswer {
  /** The header that goes with the request; `undefined`: nothing is asked for, or nothing can be given. */
  readonly authorization: string | undefined;
  /** In place of the password, where the registry gives one; else empty. */
  readonly identityToken: string;
}

const CLIENT_ID = "docker";

/**
 * @param options.isLogin - A token is asked for that stands for the password from now on.
 * @throws OperationError `unauthorized` when the credentials are refused; `internal` when no answer can be found.
 */
export async function answerChallenge(
  challenge: Challenge,
  access: RegistryAccess,
  options: { readonly isLogin: boolean },
): Promise<ChallengeAnswer> {
  switch (challenge.kind) {
    case "none":
      return { authorization: undefined, identityToken: "" };
    case "basic":
      return { authorization: basic(access.credentials), identityToken: "" };
    case "bearer": {
      const { token, identityToken } = await fetchToken(challenge, access, options);
      return { authorization: `Bearer ${token}`, identityToken };
    }
    case "unknown":
      throw new OperationError("internal", `the registry asks for an unknown kind of authentication: ${challenge.scheme}`);
  }
}

function basic({ username, password }: Credentials): string | undefined {
  return username === "" ? undefined : `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
}

/** @see the distribution project's specification of token authentication. */
async function fetchToken(
  { realm, service, scope }: Extract<Challenge, { kind: "bearer" }>,
  { credentials, insecure, signal }: RegistryAccess,
  { isLogin }: { readonly isLogin: boolean },
): Promise<{ readonly token: string; readonly identityToken: string }> {
  if (!URL.canParse(realm)) throw new OperationError("internal", "the registry names no place to get a token");
  const url = new URL(realm);
  const isInsecure = isInsecureRegistry(url.host, insecure); // It may be another host than the registry.
  const common = { service, ...(scope === "" ? {} : { scope }), client_id: CLIENT_ID };
  const { identityToken: refreshToken } = credentials;
  if (refreshToken !== "") {
    const form = new URLSearchParams({ ...common, grant_type: "refresh_token", refresh_token: refreshToken });
    return tokensIn(url, await askRegistry({ url, form, isInsecure, signal }));
  }
  const authorization = basic(credentials);
  const query = {
    ...common,
    ...(isLogin && { offline_token: "true" }),
    ...(authorization !== undefined && { account: credentials.username }),
  };
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  return tokensIn(url, await askRegistry({ url, ...(authorization !== undefined && { authorization }), isInsecure, signal }));
}

function tokensIn(url: URL, answer: RegistryAnswer): { readonly token: string; readonly identityToken: string } {
  if (answer.status !== 200) throw loginRefusal(url, answer);
  const json = parseObject(answer.body);
  const token = json["token"] ?? json["access_token"];
  const identityToken = json["refresh_token"] ?? "";
  if (typeof token !== "string" || typeof identityToken !== "string") {
    throw new OperationError("internal", "authorization server did not include a token in the response");
  }
  return { token, identityToken };
}

function parseObject(text: string): Readonly<Record<string, unknown>> {
  try {
    const json: unknown = JSON.parse(text);
    return typeof json === "object" && json !== null ? (json as Readonly<Record<string, unknown>>) : {};
  } catch (error) {
    throw new OperationError("internal", "the authorization server's answer is no JSON", { cause: error });
  }
}

export function loginRefusal(url: URL, { status, statusText }: RegistryAnswer): OperationError {
  const kind = status === 401 || status === 403 ? "unauthorized" : "internal";
  return new OperationError(kind, `login attempt to ${url.origin}${url.pathname} failed with status: ${status} ${statusText}`);
}
