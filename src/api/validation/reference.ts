import { OperationError } from "../../lib/errors.ts";

const DOMAIN_LABEL = "(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])";
const DOMAIN = `(?:${DOMAIN_LABEL}(?:\\.${DOMAIN_LABEL})*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?`;
const PATH_PART = "[a-z0-9]+(?:(?:[._]|__|[-]+)[a-z0-9]+)*";
const NAME = new RegExp(`^(?:${DOMAIN}/)?${PATH_PART}(?:/${PATH_PART})*$`);
const TAG = /^\w[\w.-]{0,127}$/;
const DIGEST = /^[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}$/;
const NAME_CHARACTERS_MAX = 255;

export interface ImageReference {
  /** As users write it: no `docker.io/library/`, always with a tag or digest. */
  readonly familiar: string;
  readonly tag?: string;
  readonly digest?: string;
}

/** @throws OperationError `invalid`: `invalid reference format`. @see distribution/reference. */
export function parseReference(source: string): ImageReference {
  const [withTag = "", digest, ...more] = source.split("@");
  const colon = withTag.lastIndexOf(":");
  const hasTag = colon > withTag.lastIndexOf("/");
  const name = hasTag ? withTag.slice(0, colon) : withTag;
  const tag = hasTag ? withTag.slice(colon + 1) : undefined;
  checkName(name);
  if (tag !== undefined && !TAG.test(tag)) throw new OperationError("invalid", "invalid tag format");
  if (more.length > 0 || (digest !== undefined && !DIGEST.test(digest))) throw invalid();
  const shownTag = tag ?? (digest === undefined ? "latest" : undefined);
  const familiar = `${familiarName(name)}${shownTag === undefined ? "" : `:${shownTag}`}${digest === undefined ? "" : `@${digest}`}`;
  return {
    familiar,
    ...(shownTag === undefined ? {} : { tag: shownTag }),
    ...(digest === undefined ? {} : { digest }),
  };
}

function checkName(name: string): void {
  if (name.length > NAME_CHARACTERS_MAX) {
    throw new OperationError("invalid", `repository name must not be more than ${NAME_CHARACTERS_MAX} characters`);
  }
  if (NAME.test(name)) return;
  const path = name.includes("/") ? name : `library/${name}`;
  if (NAME.test(name.toLowerCase())) throw invalid(`: repository name (${path}) must be lowercase`);
  throw invalid();
}

function invalid(detail = ""): OperationError {
  return new OperationError("invalid", `invalid reference format${detail}`);
}

function familiarName(name: string): string {
  return name.replace(/^(?:index\.)?docker\.io\//, "").replace(/^library\//, "");
}
