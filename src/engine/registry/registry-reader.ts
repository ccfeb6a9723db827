import { createHash } from "node:crypto";
import { OperationError } from "../../lib/errors.ts";
import { answerChallenge, type RegistryAccess } from "./answer-challenge.ts";
import { parseChallenge } from "./challenge.ts";
import { isInsecureRegistry } from "./insecure.ts";
import { atRegistry, type RegistryAddress, registryHost } from "./registry-address.ts";
import { askRegistry, type RegistryAnswer } from "./registry-request.ts";

/** Registries keep what they have in other places, seldom behind more than one. */
const REDIRECTS_MAX = 5;

/** @throws OperationError `internal` when there is no registry. */
export async function openRegistry(
  { domain, path }: { readonly domain: string; readonly path: string },
  access: RegistryAccess,
): Promise<RegistryReader> {
  const { insecure, signal } = access;
  const address = await atRegistry(registryHost(domain), insecure, async found => {
    await askRegistry({ ...found, signal });
    return found;
  });
  return new RegistryReader(address, access, path);
}

/** Reads small things out of one repository, and shows the credentials where they are asked for. */
class RegistryReader {
  readonly #address: RegistryAddress;
  readonly #access: RegistryAccess;
  readonly #repository: string;
  #authorization: string | undefined;

  constructor(address: RegistryAddress, access: RegistryAccess, repository: string) {
    this.#address = address;
    this.#access = access;
    this.#repository = repository;
  }

  /** @param reference - A tag or a digest. @throws OperationError `internal` with the registry's reason, also where the content is not what the digest says. */
  async manifest(reference: string, accept: readonly string[]): Promise<RegistryAnswer> {
    return checked(await this.#get(`manifests/${reference}`, accept), reference);
  }

  async blob(digest: string): Promise<string> {
    const { body } = checked(await this.#get(`blobs/${digest}`, ["*/*"]), digest);
    return body;
  }

  async #get(path: string, accept: readonly string[]): Promise<RegistryAnswer> {
    const url = new URL(`${this.#repository}/${path}`, this.#address.url);
    let answer = await this.#follow(url, accept);
    if (answer.status === 401 && this.#authorization === undefined) {
      this.#authorization = (
        await answerChallenge(parseChallenge(answer.challenge), this.#access, { isLogin: false })
      ).authorization;
      if (this.#authorization !== undefined) answer = await this.#follow(url, accept);
    }
    if (answer.status === 200) return answer;
    const kind = answer.status === 401 || answer.status === 403 ? "unauthorized" : "internal";
    throw new OperationError(kind, `unexpected status from GET request to ${url.href}: ${answer.status} ${answer.statusText}`);
  }

  async #follow(start: URL, accept: readonly string[]): Promise<RegistryAnswer> {
    const { insecure, signal } = this.#access;
    let url = start;
    for (let redirects = 0; redirects <= REDIRECTS_MAX; redirects++) {
      // What was given to the registry is not for other hosts.
      const authorization = url.origin === start.origin ? this.#authorization : undefined;
      const isInsecure = isInsecureRegistry(url.host, insecure);
      const answer = await askRegistry({
        url,
        accept,
        ...(authorization !== undefined && { authorization }),
        isInsecure,
        signal,
      });
      if (answer.status < 300 || answer.status >= 400) return answer;
      url = redirected(url, answer);
    }
    throw new OperationError("internal", `Get "${start.href}": stopped after ${REDIRECTS_MAX} redirects`);
  }
}

/** @throws OperationError `internal` for a place that is none, and where a connection with TLS would be left for one without. */
function redirected(from: URL, { location }: RegistryAnswer): URL {
  const to = URL.canParse(location, from.href) ? new URL(location, from.href) : undefined;
  const isFine = to?.protocol === "https:" || (to?.protocol === "http:" && from.protocol === "http:");
  if (to === undefined || !isFine) throw new OperationError("internal", `Get "${from.href}": redirected to "${location}"`);
  return to;
}

function checked(answer: RegistryAnswer, reference: string): RegistryAnswer {
  if (!reference.startsWith("sha256:")) return answer;
  const digest = `sha256:${createHash("sha256").update(answer.body).digest("hex")}`;
  if (digest !== reference) {
    throw new OperationError("internal", `unexpected commit digest ${digest}, expected ${reference}: failed precondition`);
  }
  return answer;
}
