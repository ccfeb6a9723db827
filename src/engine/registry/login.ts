import { answerChallenge, type Credentials, loginRefusal, type RegistryAccess } from "./answer-challenge.ts";
import { parseChallenge } from "./challenge.ts";
import { atRegistry, type RegistryAddress, registryHost } from "./registry-address.ts";
import { askRegistry } from "./registry-request.ts";

/**
 * Asks a registry whether it takes the credentials.
 *
 * @returns a token in place of the password, where the registry gives one; else empty.
 * @throws OperationError `unauthorized` when it does not take them; `internal` when it cannot be reached.
 */
export async function loginToRegistry(credentials: Credentials, options: Omit<RegistryAccess, "credentials">): Promise<string> {
  const host = registryHost(credentials.serverAddress);
  return atRegistry(host, options.insecure, address => loginAt(address, { ...options, credentials }));
}

async function loginAt(address: RegistryAddress, access: RegistryAccess): Promise<string> {
  const request = { ...address, signal: access.signal };
  const first = await askRegistry(request);
  const { authorization, identityToken } = await answerChallenge(parseChallenge(first.challenge), access, { isLogin: true });
  const second = authorization === undefined ? first : await askRegistry({ ...request, authorization });
  if (second.status !== 200) throw loginRefusal(address.url, second);
  return identityToken;
}
