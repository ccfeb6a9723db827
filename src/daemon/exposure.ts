import type { ListenTarget } from "../api/server.ts";

const ATTACK_SURFACE = `
         Access to the remote API is equivalent to root access on the host. Refer
         to the 'Docker daemon attack surface' section in the documentation for
         more information: https://docs.docker.com/go/attack-surface/`;
const REMOVAL =
  "In future versions this will be a hard failure preventing the daemon from starting! Learn more at: https://docs.docker.com/go/api-security/";

/** What the log warns of at the start. */
export const EXPOSED = [
  "Binding to IP address without --tlsverify is insecure and gives root access on this machine to everyone who has access to your network.",
  "Binding to an IP address, even on localhost, can also give access to scripts run in a browser. Be safe out there!",
];

/** Whether anyone who reaches an address is served: without TLS, or with TLS that asks for no client's certificate. */
export function servesAnyone(target: ListenTarget): target is Extract<ListenTarget, { readonly kind: "tcp" }> {
  return target.kind === "tcp" && target.tls?.clientCaPem === undefined;
}

/** What `docker info` warns of, in Docker's words. */
export function exposureWarnings(targets: readonly ListenTarget[]): readonly string[] {
  return targets.filter(servesAnyone).map(({ host, port, tls }) => {
    const [scheme, lack] = tls === undefined ? ["http", "encryption"] : ["https", "TLS client verification"];
    return `[DEPRECATION NOTICE]: API is accessible on ${scheme}://${host}:${port} without ${lack}.${ATTACK_SURFACE}\n${REMOVAL}`;
  });
}
