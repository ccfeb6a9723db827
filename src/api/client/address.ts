/** Where a daemon listens. */
export type DaemonAddress =
  | { readonly kind: "unix"; readonly path: string }
  | { readonly kind: "tcp"; readonly host: string; readonly port: number; readonly tls?: ClientTls };

export interface ClientTls {
  readonly ca?: string;
  readonly certificate?: string;
  readonly key?: string;
  readonly verifies: boolean;
}

const DEFAULT_PORT = 2375;
const DEFAULT_TLS_PORT = 2376;

/** Reads DOCKER_HOST. @throws Error in the words of Docker's CLI. */
export function parseDockerHost(text: string, tls?: ClientTls): DaemonAddress {
  const match = /^(\w+):\/\/(.*)$/s.exec(text);
  const [, scheme, rest = ""] = match ?? [];
  if (scheme === "unix" && rest !== "") return { kind: "unix", path: rest };
  if (scheme === "tcp" || scheme === "http" || scheme === "https") {
    const { hostname, port } = new URL(`http://${rest}`);
    const number = port === "" ? (tls === undefined ? DEFAULT_PORT : DEFAULT_TLS_PORT) : Number(port);
    return { kind: "tcp", host: hostname, port: number, ...(tls === undefined ? {} : { tls }) };
  }
  throw new Error(`unable to parse docker host \`${text}\``);
}
