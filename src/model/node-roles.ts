/** What certificates call roles: the organizational unit of their subject. */
export const ROLE_UNITS = { manager: "swarm-manager", worker: "swarm-worker" } as const;

/** A name of managers, beside their own: who asks for a certificate expects it. */
export const AUTHORITY_NAME = "swarm-ca";
