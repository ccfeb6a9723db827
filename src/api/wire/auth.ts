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
