import { OperationError } from "../../lib/errors.ts";
import { type Challenge, parseChallenge } from "./challenge.ts";
import { isInsecureRegistry } from "./insecure.ts";
import { askRegistry, type RegistryAnswer } from "./registry-request.ts";

/** What a user gives to log in to a registry. */
export interface Credentials {
  /** `registry.example:5000`, with or without a scheme and a path; empty: the default registry. */
  readonly serverAddress: string;
  readonly username: string;
  readonly password: string;
  /** From an earlier login, in place of the password. */
  readonly identityToken: string;
}

const DEFAULT_REGISTRY = "registry-1.docker.io";
/** Names under which the default registry is known. */
const DEFAULT_NAMES = ["", "docker.io", "index.docker.io"];
const CLIENT_ID = "docker";

export interface LoginOptions {
  /** Registries (`host:port`) and ranges of addresses whose certificates are not looked at, and that may do without TLS. Loopback is one. */
  readonly insecure: readonly string[];
  readonly signal: AbortSignal;
}

/**
 * Asks a registry whether it takes the credentials.
 *
 * @returns a token in place of the password, where the registry gives one; else empty.
 * @throws OperationError `unauthorized` when it does not take them; `internal` when it cannot be reached.
 */
export async function loginToRegistry(credentials: Credentials, { insecure, signal }: LoginOptions): Promise<string> {
  const host = hostOf(credentials.serverAddress);
  const isInsecure = isInsecureRegistry(host, insecure);
  const login = (scheme: "https" | "http") =>
    loginAt({ url: new URL(`${scheme}://${host}/v2/`), credentials, isInsecure, insecure, signal });
  try {
    return await login("https");
  } catch (error) {
    // Without TLS only where nobody else can listen, or where the administrator said so.
    if (!isInsecure || !(error instanceof OperationError) || error.kind === "unauthorized") throw error;
    return await login("http");
  }
}

interface Login extends LoginOptions {
  readonly url: URL;
  readonly credentials: Credentials;
  readonly isInsecure: boolean;
}

async function loginAt(login: Login): Promise<string> {
  const { url, isInsecure, signal } = login;
  const first = await askRegistry({ url, isInsecure, signal });
  const { authorization, identityToken } = await answerTo(parseChallenge(first.challenge), login);
  const second = authorization === undefined ? first : await askRegistry({ url, authorization, isInsecure, signal });
  if (second.status !== 200) throw refusal(url, second);
  return identityToken;
}

interface ChallengeAnswer {
  readonly authorization: string | undefined;
  readonly identityToken: string;
}

async function answerTo(challenge: Challenge, login: Login): Promise<ChallengeAnswer> {
  switch (challenge.kind) {
    case "none":
      return { authorization: undefined, identityToken: "" };
    case "basic":
      return { authorization: basic(login.credentials), identityToken: "" };
    case "bearer": {
      const { token, identityToken } = await fetchToken(challenge, login);
      return { authorization: `Bearer ${token}`, identityToken };
    }
    case "unknown":
      throw new OperationError("internal", `the registry asks for an unknown kind of authentication: ${challenge.scheme}`);
  }
}

function basic({ username, password }: Credentials): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
}

/** @see the distribution project's specification of token authentication. */
async function fetchToken(
  { realm, service, scope }: Extract<Challenge, { kind: "bearer" }>,
  { credentials, insecure, signal }: Login,
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
  const query = { ...common, offline_token: "true", account: credentials.username };
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  return tokensIn(url, await askRegistry({ url, authorization: basic(credentials), isInsecure, signal }));
}

function tokensIn(url: URL, answer: RegistryAnswer): { readonly token: string; readonly identityToken: string } {
  if (answer.status !== 200) throw refusal(url, answer);
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

function refusal(url: URL, { status, statusText }: RegistryAnswer): OperationError {
  const kind = status === 401 || status === 403 ? "unauthorized" : "internal";
  return new OperationError(kind, `login attempt to ${url.origin}${url.pathname} failed with status: ${status} ${statusText}`);
}

/** @throws OperationError `invalid` for what is no address. */
function hostOf(serverAddress: string): string {
  const host = serverAddress.replace(/^https?:\/\//, "").replace(/\/.*$/s, "");
  if (DEFAULT_NAMES.includes(host)) return DEFAULT_REGISTRY;
  if (!URL.canParse(`https://${host}/`) || /[@?#\s]/.test(host)) {
    throw new OperationError("invalid", `unable to parse server address: parse "https://${host}": invalid host name`);
  }
  return host;
}
