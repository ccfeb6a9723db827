import { OperationError } from "../../lib/errors.ts";
import { asId, type Digest } from "../../model/ids.ts";

/** A name for an image in full: `docker.io/library/busybox`, with a tag, a digest, both or neither. */
export interface Reference {
  readonly domain: string;
  readonly path: string;
  readonly tag?: string;
  readonly digest?: Digest;
}

const NAME_CHARACTERS_MAX = 255;
const DEFAULT_DOMAIN = "docker.io";
const DOMAIN_LABEL = "(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])";
const DOMAIN = new RegExp(`^(?:${DOMAIN_LABEL}(?:\\.${DOMAIN_LABEL})*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?$`);
const PATH_PART = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const TAG = /^\w[\w.-]{0,127}$/;
const DIGEST = /^sha256:[0-9a-f]{64}$/;
const HEX_ID = /^[0-9a-f]{64}$/;

/**
 * Reads a name as people write it: `busybox`, `reg:5000/a/b:1@sha256:…`.
 * @throws OperationError `invalid` in the words of Docker's own parser.
 * @see github.com/distribution/reference for the grammar.
 */
export function parseReference(text: string): Reference {
  if (HEX_ID.test(text)) {
    throw new OperationError("invalid", `invalid repository name (${text}), cannot specify 64-byte hexadecimal strings`);
  }
  const at = text.indexOf("@");
  const digest = at < 0 ? undefined : text.slice(at + 1);
  const { domain, rest } = splitDomain(at < 0 ? text : text.slice(0, at));
  const colon = rest.indexOf(":");
  const remainder = colon < 0 ? rest : rest.slice(0, colon);
  const tag = colon < 0 ? undefined : rest.slice(colon + 1);
  const path = domain === DEFAULT_DOMAIN && remainder !== "" && !remainder.includes("/") ? `library/${remainder}` : remainder;
  if (path !== path.toLowerCase()) {
    throw new OperationError("invalid", `invalid reference format: repository name (${path}) must be lowercase`);
  }
  const isValid =
    DOMAIN.test(domain) &&
    path.split("/").every(part => PATH_PART.test(part)) &&
    (tag === undefined || TAG.test(tag)) &&
    (digest === undefined || DIGEST.test(digest));
  if (!isValid) throw new OperationError("invalid", "invalid reference format");
  if (domain.length + 1 + path.length > NAME_CHARACTERS_MAX) {
    throw new OperationError("invalid", `repository name must not be more than ${NAME_CHARACTERS_MAX} characters`);
  }
  return {
    domain,
    path,
    ...(tag === undefined ? {} : { tag }),
    ...(digest === undefined ? {} : { digest: asId<Digest>(digest) }),
  };
}

export function withDefaultTag(reference: Reference): Reference {
  return reference.tag === undefined && reference.digest === undefined ? { ...reference, tag: "latest" } : reference;
}

/** As it is stored: nothing left out. */
export function fullReference(reference: Reference): string {
  return `${reference.domain}/${reference.path}${suffixOf(reference)}`;
}

/** As people see it: Docker Hub's parts left out. */
export function familiarReference(reference: Reference): string {
  return familiarName(reference) + suffixOf(reference);
}

export function familiarName({ domain, path }: Reference): string {
  if (domain !== DEFAULT_DOMAIN) return `${domain}/${path}`;
  const official = /^library\/([^/]+)$/.exec(path)?.[1];
  return official ?? path;
}

export function isDigest(text: string): text is Digest {
  return DIGEST.test(text);
}

function suffixOf({ tag, digest }: Reference): string {
  return (tag === undefined ? "" : `:${tag}`) + (digest === undefined ? "" : `@${digest}`);
}

/** The first part is a registry only when it looks like a host. */
function splitDomain(name: string): { readonly domain: string; readonly rest: string } {
  const slash = name.indexOf("/");
  const first = slash < 0 ? "" : name.slice(0, slash);
  const isHost = first !== "" && (/[.:]/.test(first) || first === "localhost" || first !== first.toLowerCase());
  if (!isHost) return { domain: DEFAULT_DOMAIN, rest: name };
  return { domain: first === "index.docker.io" ? DEFAULT_DOMAIN : first, rest: name.slice(slash + 1) };
}

/** `busybox` and `1.36`, or a digest instead of a tag, which is refused. */
export function targetReference(repository: string, tag: string): Reference {
  const reference = parseReference(tag === "" ? repository : `${repository}:${tag}`);
  if (reference.digest !== undefined) throw new OperationError("invalid", "refusing to create a tag with a digest reference");
  return withDefaultTag(reference);
}
