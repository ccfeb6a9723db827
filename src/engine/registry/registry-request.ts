import { request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { errnoCode, OperationError } from "../../lib/errors.ts";

const ANSWER_MS = 30_000;
/** Tokens, errors, manifests and configurations are small. */
const ANSWER_BYTES_MAX = 4 * 1024 * 1024;

export interface RegistryAnswer {
  readonly status: number;
  readonly statusText: string;
  /** The first `WWW-Authenticate`. */
  readonly challenge: string;
  /** Of the body, without parameters; empty where it does not say. */
  readonly mediaType: string;
  /** Where it is instead, as the registry wrote it. */
  readonly location: string;
  readonly body: string;
}

export interface RegistryRequest {
  readonly url: URL;
  readonly authorization?: string;
  /** Media types that are understood. */
  readonly accept?: readonly string[];
  /** Sent as a form, by POST. */
  readonly form?: URLSearchParams;
  /** Whose certificate is not looked at: registries on loopback. */
  readonly isInsecure: boolean;
  readonly signal: AbortSignal;
}

/** What went wrong, in the words that Docker's users know. */
function reasonOf(error: Error): string {
  const { address, port, hostname } = error as { readonly address?: string; readonly port?: number; readonly hostname?: string };
  switch (errnoCode(error)) {
    case "ECONNREFUSED":
      return `dial tcp ${address}:${port}: connect: connection refused`;
    case "ENOTFOUND":
      return `dial tcp: lookup ${hostname}: no such host`;
    default:
      return error.message;
  }
}

/** @throws OperationError `internal` when the registry cannot be reached, with the reason. */
export function askRegistry({ url, authorization, accept, form, isInsecure, signal }: RegistryRequest): Promise<RegistryAnswer> {
  const body = form?.toString();
  const method = body === undefined ? "GET" : "POST";
  const headers = {
    "User-Agent": "shoal",
    ...(authorization === undefined ? {} : { Authorization: authorization }),
    ...(accept === undefined ? {} : { Accept: accept.join(", ") }),
    ...(body === undefined ? {} : { "Content-Type": "application/x-www-form-urlencoded" }),
  };
  return new Promise((resolve, reject) => {
    const fail = (error: Error) =>
      reject(
        new OperationError("internal", `${method === "GET" ? "Get" : "Post"} "${url.href}": ${reasonOf(error)}`, {
          cause: error,
        }),
      );
    const options = { method, headers, signal, timeout: ANSWER_MS };
    const outgoing =
      url.protocol === "https:" ? requestHttps(url, { ...options, rejectUnauthorized: !isInsecure }) : requestHttp(url, options);
    outgoing.on("timeout", () => outgoing.destroy(new Error("the registry does not answer")));
    outgoing.on("error", fail);
    outgoing.on("response", response => {
      let text = "";
      response.setEncoding("utf8");
      response.on("error", fail);
      response.on("data", (chunk: string) => {
        text += chunk;
        if (text.length > ANSWER_BYTES_MAX) outgoing.destroy(new Error(`the answer is larger than ${ANSWER_BYTES_MAX} bytes`));
      });
      response.on("end", () =>
        resolve({
          status: response.statusCode ?? 0,
          statusText: response.statusMessage ?? "",
          challenge: response.headers["www-authenticate"] ?? "",
          mediaType: (response.headers["content-type"] ?? "").split(";")[0]?.trim() ?? "",
          location: response.headers.location ?? "",
          body: text,
        }),
      );
    });
    outgoing.end(body);
  });
}
