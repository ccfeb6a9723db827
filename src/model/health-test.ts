import { OperationError } from "../lib/errors.ts";

/** What a health check does: run a program in the container, or, beyond Docker, speak to it over the network without one. */
export type HealthTest =
  | { readonly kind: "exec"; readonly command: readonly string[]; readonly isShell: boolean }
  /** Well with a status from 200 to 399. */
  | { readonly kind: "http"; readonly address: string; readonly port: number; readonly path: string }
  /** Well when a connection comes about. */
  | { readonly kind: "tcp"; readonly address: string; readonly port: number };

/** Where no address is named: the container itself. */
const OWN_ADDRESS = "127.0.0.1";
const HTTP_PORT = 80;
const PORT_MAX = 65_535;

/** @returns `undefined` for none. @throws OperationError `invalid`. */
export function parseHealthTest(test: readonly string[] | undefined): HealthTest | undefined {
  const [kind = "", ...rest] = test ?? [];
  switch (kind) {
    case "":
    case "NONE":
      return undefined;
    case "CMD":
      return { kind: "exec", command: rest, isShell: false };
    case "CMD-SHELL":
      return { kind: "exec", command: rest, isShell: true };
    case "HTTP":
      return parseHttp(rest);
    case "TCP":
      return parseTcp(rest);
    default:
      throw new OperationError("invalid", `Unknown type '${kind}' in HEALTHCHECK (try CMD)`);
  }
}

function parseHttp(rest: readonly string[]): HealthTest {
  const match = /^http:\/\/([^/:?#\s]*)(?::(\d+))?(\/[^#\s]*)?$/.exec(rest[0] ?? "");
  const address = addressOf(match?.[1] ?? "");
  const port = match?.[2] === undefined ? HTTP_PORT : portOf(match[2]);
  if (rest.length !== 1 || match === null || address === undefined || port === undefined) {
    throw new OperationError("invalid", `HTTP in HEALTHCHECK takes one URL such as http://:8080/path, not '${rest.join(" ")}'`);
  }
  return { kind: "http", address, port, path: match[3] ?? "/" };
}

function parseTcp(rest: readonly string[]): HealthTest {
  const [, host = "", port = ""] = /^([^:\s]*):(\d+)$/.exec(rest[0] ?? "") ?? [];
  const address = addressOf(host);
  const portNumber = portOf(port);
  if (rest.length !== 1 || address === undefined || portNumber === undefined) {
    throw new OperationError("invalid", `TCP in HEALTHCHECK takes one address such as :8080, not '${rest.join(" ")}'`);
  }
  return { kind: "tcp", address, port: portNumber };
}

/** IPv4, or none for the container itself. Names are not looked up. */
function addressOf(host: string): string | undefined {
  if (host === "" || host === "localhost") return OWN_ADDRESS;
  const parts = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(host)?.slice(1) ?? [];
  return parts.length === 4 && parts.every(part => Number(part) <= 255) ? host : undefined;
}

function portOf(text: string): number | undefined {
  const port = Number(text);
  return text !== "" && port >= 1 && port <= PORT_MAX ? port : undefined;
}
