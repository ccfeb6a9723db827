import { OperationError } from "../../lib/errors.ts";
import { isInsecureRegistry } from "./insecure.ts";

const DEFAULT_REGISTRY = "registry-1.docker.io";
/** Names under which the default registry is known. */
const DEFAULT_NAMES = ["", "docker.io", "index.docker.io"];

export interface RegistryAddress {
  /** Of its API: ends with `/v2/`. */
  readonly url: URL;
  /** Its certificate is not looked at. */
  readonly isInsecure: boolean;
}

/**
 * Does something at a registry, without TLS only where nobody else can listen, or where the administrator said so.
 *
 * @param host - `name:port`. @param insecure - Registries and ranges of addresses.
 */
export async function atRegistry<T>(
  host: string,
  insecure: readonly string[],
  action: (address: RegistryAddress) => Promise<T>,
): Promise<T> {
  const isInsecure = isInsecureRegistry(host, insecure);
  const addressBy = (scheme: string): RegistryAddress => ({ url: new URL(`${scheme}://${host}/v2/`), isInsecure });
  try {
    return await action(addressBy("https"));
  } catch (error) {
    if (!isInsecure || !(error instanceof OperationError) || error.kind === "unauthorized") throw error;
    return await action(addressBy("http"));
  }
}

/** @param serverAddress - As people write it: with or without a scheme and a path. @throws OperationError `invalid` for what is no address. */
export function registryHost(serverAddress: string): string {
  const host = serverAddress.replace(/^https?:\/\//, "").replace(/\/.*$/s, "");
  if (DEFAULT_NAMES.includes(host)) return DEFAULT_REGISTRY;
  if (!URL.canParse(`https://${host}/`) || /[@?#\s]/.test(host)) {
    throw new OperationError("invalid", `unable to parse server address: parse "https://${host}": invalid host name`);
  }
  return host;
}
