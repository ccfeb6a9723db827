import { type CliContext, field, filterQuery, type Json, list, number, text } from "../context.ts";
import { type Column, renderListing } from "../format/table.ts";
import { goTime, shortId } from "../format/text.ts";
import { ago, decimalSize, preciseDecimalSize } from "../format/units.ts";

export interface ImageListFlags {
  readonly all?: boolean;
  readonly digests?: boolean;
  readonly filter?: readonly string[];
  readonly format?: string;
  readonly trunc: boolean;
  readonly quiet?: boolean;
}

interface ImageRow {
  readonly image: Json;
  readonly tag: string;
  readonly digest: string;
}

/** `images`: a row for each name of each image. */
export async function listImages(cli: CliContext, repository: string | undefined, flags: ImageListFlags): Promise<void> {
  const filters = filterQuery([...(flags.filter ?? []), ...(repository === undefined ? [] : [`reference=${repository}`])]);
  const images = list(await cli.api.json("GET", "/images/json", { query: { all: flags.all === true || undefined, filters } }));
  const isOfDigests = flags.digests === true || /\{\{[^}]*\.Digest\b/.test(flags.format ?? "");
  const rows = images.flatMap(image => rowsOf(image, isOfDigests));
  cli.stdout(renderListing(rows, columns(flags, cli.nowMs()), { ...flags, rowType: "*formatter.imageContext" }));
}

const NONE = "<none>";

function rowsOf(image: Json, isOfDigests: boolean): readonly ImageRow[] {
  const tags = list(image, "RepoTags")
    .map(tag => text(tag))
    .filter(tag => tag !== `${NONE}:${NONE}`);
  const digests = list(image, "RepoDigests")
    .map(digest => text(digest))
    .filter(digest => digest !== `${NONE}@${NONE}`);
  if (tags.length > 0) {
    return tags.map(tag => {
      const own = digests.find(digest => digest.startsWith(`${splitTag(tag)[0]}@`));
      return { image, tag, digest: own?.split("@")[1] ?? NONE };
    });
  }
  const [first] = digests;
  if (first === undefined) return [{ image, tag: `${NONE}:${NONE}`, digest: NONE }];
  const named = isOfDigests ? digests : [first];
  return named.map(digest => ({ image, tag: `${digest.split("@")[0] ?? ""}:${NONE}`, digest: digest.split("@")[1] ?? NONE }));
}

function columns(flags: ImageListFlags, nowMs: number): readonly Column<ImageRow>[] {
  const extra = { isDefault: false } as const;
  const created = (image: Json): number => number(image, "Created");
  return [
    { header: "REPOSITORY", field: "Repository", value: ({ tag }) => splitTag(tag)[0] },
    { header: "TAG", field: "Tag", value: ({ tag }) => splitTag(tag)[1] },
    { header: "DIGEST", field: "Digest", isDefault: flags.digests === true, value: ({ digest }) => digest },
    { header: "IMAGE ID", field: "ID", value: ({ image }) => (flags.trunc ? shortId(text(image, "Id")) : text(image, "Id")) },
    { header: "CREATED", field: "CreatedSince", value: ({ image }) => ago(created(image), nowMs) },
    { header: "CREATED AT", field: "CreatedAt", ...extra, value: ({ image }) => goTime(created(image) * 1_000) },
    { header: "SIZE", field: "Size", value: ({ image }) => decimalSize(number(image, "Size")) },
    { header: "CONTAINERS", field: "Containers", ...extra, value: ({ image }) => counted(image, "Containers") },
    { header: "VIRTUAL SIZE", field: "VirtualSize", ...extra, value: ({ image }) => preciseDecimalSize(number(image, "Size")) },
    { header: "SHARED SIZE", field: "SharedSize", ...extra, value: ({ image }) => sizeOf(image, "SharedSize") },
    { header: "UNIQUE SIZE", field: "UniqueSize", ...extra, value: uniqueSize },
  ];
}

/** The daemon says -1 for what it did not count. */
function counted(image: Json, name: string): string {
  return number(image, name) < 0 || field(image, name) === undefined ? "N/A" : String(number(image, name));
}

function sizeOf(image: Json, name: string): string {
  return number(image, name) < 0 ? "N/A" : preciseDecimalSize(number(image, name));
}

function uniqueSize({ image }: ImageRow): string {
  const shared = number(image, "SharedSize");
  return shared < 0 ? "N/A" : preciseDecimalSize(number(image, "Size") - shared);
}

/** A tag is what stands behind the last colon, unless that is a port. */
export function splitTag(reference: string): readonly [repository: string, tag: string] {
  const at = reference.lastIndexOf(":");
  return at < 0 || reference.slice(at).includes("/") ? [reference, ""] : [reference.slice(0, at), reference.slice(at + 1)];
}
