import type { Credentials } from "../backends.ts";
import { field, struct } from "./codec.ts";
import { text } from "./scalars.ts";

/** The body of a login. In errors Docker has no name for it. */
export const authConfig = struct<Credentials>("", {
  username: field("username", text),
  password: field("password", text),
  serverAddress: field("serveraddress", text),
  identityToken: field("identitytoken", text),
});

const NO_CREDENTIALS: Credentials = { username: "", password: "", serverAddress: "", identityToken: "" };

/** The header with which clients show their login. What cannot be read counts as none, as in Docker: old clients send all sorts. */
export function registryAuth(header: string | readonly string[] | undefined): Credentials {
  if (typeof header !== "string") return NO_CREDENTIALS;
  try {
    return authConfig.read(JSON.parse(Buffer.from(header, "base64url").toString("utf8")));
  } catch {
    return NO_CREDENTIALS;
  }
}
