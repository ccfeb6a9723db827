import { changeConfig, type ConfigFile, configPath, readConfig } from "../config-file.ts";
import { CliError, type Json, text } from "../context.ts";

/** The name under which Docker's own registry keeps its login. */
export const HUB = "https://index.docker.io/v1/";

export interface Login {
  readonly username: string;
  readonly password: string;
  readonly identityToken?: string;
}

/** The header that carries the login for an image's registry; none when the user has not logged in. */
export async function authHeader(image: string): Promise<Readonly<Record<string, string>>> {
  const server = registryOf(image);
  const login = await readLogin(server);
  if (login === undefined) return {};
  const { username, password, identityToken } = login;
  const auth = { username, password, serveraddress: server, ...(identityToken && { identitytoken: identityToken }) };
  return { "X-Registry-Auth": Buffer.from(JSON.stringify(auth)).toString("base64url") };
}

/** `registry.example:5000/app` is at `registry.example:5000`; a name without a host is Docker's own registry's. */
export function registryOf(image: string): string {
  const [first = "", ...rest] = image.split("/");
  const isHost = rest.length > 0 && (/[.:]/.test(first) || first === "localhost");
  return isHost && first !== "docker.io" && first !== "index.docker.io" ? first : HUB;
}

export async function readLogin(server: string): Promise<Login | undefined> {
  const entry = readConfig().auths?.[server];
  if (entry?.auth === undefined) return undefined;
  const [username = "", password = ""] = Buffer.from(entry.auth, "base64").toString("utf8").split(/:(.*)/s);
  return { username, password, ...(entry.identitytoken && { identityToken: entry.identitytoken }) };
}

export async function writeLogin(server: string, login: Login): Promise<void> {
  const auth = Buffer.from(`${login.username}:${login.password}`).toString("base64");
  changeAuths(auths => ({
    ...auths,
    [server]: { auth, ...(login.identityToken && { identitytoken: login.identityToken }) },
  }));
}

/** @returns whether there was one. */
export async function eraseLogin(server: string): Promise<boolean> {
  const isKnown = readConfig().auths?.[server] !== undefined;
  if (isKnown) changeAuths(auths => Object.fromEntries(Object.entries(auths).filter(([name]) => name !== server)));
  return isKnown;
}

type Auths = NonNullable<ConfigFile["auths"]>;

function changeAuths(change: (auths: Auths) => Auths): void {
  const { credsStore } = readConfig();
  if (credsStore !== undefined)
    throw new CliError(`the credential store "${credsStore}" named in ${configPath()} cannot be used: remove credsStore`);
  changeConfig(config => ({ ...config, auths: change(config.auths ?? {}) }));
}

/** The server that an answer of `POST /auth` is about. */
export function tokenOf(answer: Json): string | undefined {
  return text(answer, "IdentityToken") || undefined;
}
