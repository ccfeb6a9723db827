import { OperationError } from "../../lib/errors.ts";
import type { Digest } from "../../model/ids.ts";
import type { ArchiveContents } from "./archive-contents.ts";
import { arrayAt, asArray, asObject, digestAt, type JsonObject, numberAt, objectAt, parseJson, textAt, textsAt } from "./json.ts";
import { LAYERS_MAX } from "./image-config.ts";
import { parseReference, type Reference, withDefaultTag } from "./reference.ts";

/** An image as an archive lays it out: where its parts are and what it is to be called. */
export interface ArchivedImage {
  readonly configPath: string;
  /** Bottom first. */
  readonly layerPaths: readonly string[];
  readonly tags: readonly Reference[];
}

export const MANIFEST_BYTES_MAX = 4 * 1024 * 1024;
const IMAGES_MAX = 1_000;
const TAGS_MAX = 10_000;
const INDEX_DEPTH_MAX = 4;
const MANIFEST_TYPES = ["application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json"];
const INDEX_TYPES = ["application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json"];
const CONFIG_TYPES = ["application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json"];
const LAYER_TYPES = [
  /^application\/vnd\.oci\.image\.layer\.(nondistributable\.)?v1\.tar(\+gzip|\+zstd)?$/,
  /^application\/vnd\.docker\.image\.rootfs\.diff\.tar(\.gzip|\.zstd)?$/,
];

/** Which images an archive holds. `docker save` writes `manifest.json`; where it is missing, the OCI layout's `index.json` counts. */
export async function readArchiveManifest(contents: ArchiveContents, platform: Platform): Promise<readonly ArchivedImage[]> {
  if (contents.file("manifest.json") !== undefined) return readDockerManifest(contents);
  if (contents.file("index.json") !== undefined && contents.file("oci-layout") !== undefined)
    return readOciIndex(contents, platform);
  throw new OperationError("invalid", "invalid archive: does not contain a manifest.json");
}

export interface Platform {
  readonly os: string;
  readonly architecture: string;
}

async function readDockerManifest(contents: ArchiveContents): Promise<readonly ArchivedImage[]> {
  const bytes = await contents.readSmall("manifest.json", { bytesMax: MANIFEST_BYTES_MAX });
  const items = asArray(parseJson(bytes, "manifest.json"), "manifest.json");
  if (items.length > IMAGES_MAX) throw new OperationError("invalid", `invalid manifest.json: more than ${IMAGES_MAX} images`);
  return items.map((item, index) => {
    const image = asObject(item, `manifest.json[${index}]`);
    const configPath = textAt(image, "Config");
    const layerPaths = textsAt(image, "Layers") ?? [];
    const names = textsAt(image, "RepoTags") ?? [];
    if (configPath === undefined || configPath === "") throw new OperationError("invalid", `invalid ${image.where}: no Config`);
    if (layerPaths.length > LAYERS_MAX) throw new OperationError("invalid", "max depth exceeded");
    if (names.length > TAGS_MAX) throw new OperationError("invalid", `invalid ${image.where}: more than ${TAGS_MAX} tags`);
    return { configPath, layerPaths, tags: names.map(taggedReference) };
  });
}

function taggedReference(name: string): Reference {
  const reference = parseReference(name);
  if (reference.tag === undefined) throw new OperationError("invalid", `invalid tag ${JSON.stringify(name)}`);
  return { domain: reference.domain, path: reference.path, tag: reference.tag };
}

async function readOciIndex(contents: ArchiveContents, platform: Platform): Promise<readonly ArchivedImage[]> {
  const bytes = await contents.readSmall("index.json", { bytesMax: MANIFEST_BYTES_MAX });
  const index = asObject(parseJson(bytes, "index.json"), "index.json");
  const images: ArchivedImage[] = [];
  for (const [position, item] of arrayAt(index, "manifests").entries()) {
    if (position >= IMAGES_MAX) throw new OperationError("invalid", `invalid index.json: more than ${IMAGES_MAX} images`);
    const descriptor = asObject(item, `index.json.manifests[${position}]`);
    const manifest = await findManifest(contents, descriptor, { platform, depth: 0 });
    if (manifest === undefined) continue;
    images.push({ ...manifest, tags: tagsOf(descriptor) });
  }
  if (images.length === 0)
    throw new OperationError("not-found", `no image for ${platform.os}/${platform.architecture} in the archive`);
  return mergeTags(images);
}

/** Follows indexes down to the manifest for this platform. */
async function findManifest(
  contents: ArchiveContents,
  descriptor: JsonObject,
  options: { readonly platform: Platform; readonly depth: number },
): Promise<Omit<ArchivedImage, "tags"> | undefined> {
  if (options.depth > INDEX_DEPTH_MAX) throw new OperationError("invalid", "invalid index.json: indexes too deep");
  const { path, mediaType } = locate(contents, descriptor);
  const document = asObject(parseJson(await contents.readSmall(path, { bytesMax: MANIFEST_BYTES_MAX }), path), path);
  const type = mediaType === "" ? (textAt(document, "mediaType") ?? "") : mediaType;
  if (INDEX_TYPES.includes(type)) {
    for (const [position, item] of arrayAt(document, "manifests").entries()) {
      const child = asObject(item, `${path}.manifests[${position}]`);
      if (!fitsPlatform(child, options.platform)) continue;
      return findManifest(contents, child, { ...options, depth: options.depth + 1 });
    }
    return undefined;
  }
  if (!MANIFEST_TYPES.includes(type))
    throw new OperationError("invalid", `unsupported manifest media type ${JSON.stringify(type)}`);
  return manifestOf(contents, document);
}

function manifestOf(contents: ArchiveContents, manifest: JsonObject): Omit<ArchivedImage, "tags"> {
  const config = objectAt(manifest, "config");
  if (config === undefined) throw new OperationError("invalid", `invalid ${manifest.where}: no config`);
  const located = locate(contents, config);
  if (!CONFIG_TYPES.includes(located.mediaType)) {
    throw new OperationError("invalid", `unsupported image configuration media type ${JSON.stringify(located.mediaType)}`);
  }
  const layers = arrayAt(manifest, "layers");
  if (layers.length > LAYERS_MAX) throw new OperationError("invalid", "max depth exceeded");
  const layerPaths = layers.map((item, index) => {
    const layer = locate(contents, asObject(item, `${manifest.where}.layers[${index}]`));
    if (!LAYER_TYPES.some(type => type.test(layer.mediaType))) {
      throw new OperationError("invalid", `unsupported layer media type ${JSON.stringify(layer.mediaType)}`);
    }
    return layer.path;
  });
  return { configPath: located.path, layerPaths };
}

/** The blob that a descriptor names. @throws OperationError `invalid` when it is missing or is not what its digest and size say. */
function locate(contents: ArchiveContents, descriptor: JsonObject): { readonly path: string; readonly mediaType: string } {
  const digest: Digest = digestAt(descriptor, "digest");
  const path = blobPathOf(digest);
  const file = contents.file(path);
  if (file === undefined) throw new OperationError("invalid", `invalid archive: blob ${digest} is missing`);
  if (file.digest !== digest)
    throw new OperationError("invalid", `invalid archive: digest mismatch: expected ${digest}, got ${file.digest}`);
  const sizeBytes = numberAt(descriptor, "size");
  if (sizeBytes !== undefined && sizeBytes !== file.sizeBytes) {
    throw new OperationError(
      "invalid",
      `invalid archive: size mismatch of ${digest}: expected ${sizeBytes}, got ${file.sizeBytes}`,
    );
  }
  return { path, mediaType: textAt(descriptor, "mediaType") ?? "" };
}

export function blobPathOf(digest: Digest): string {
  return `blobs/sha256/${digest.slice("sha256:".length)}`;
}

function fitsPlatform(descriptor: JsonObject, { os, architecture }: Platform): boolean {
  const platform = objectAt(descriptor, "platform");
  return platform === undefined || (textAt(platform, "os") === os && textAt(platform, "architecture") === architecture);
}

/** containerd writes the whole name, other tools a name in the reference annotation; a bare tag has no name to go with. */
function tagsOf(descriptor: JsonObject): readonly Reference[] {
  const annotations = objectAt(descriptor, "annotations");
  if (annotations === undefined) return [];
  const name = textAt(annotations, "io.containerd.image.name") ?? textAt(annotations, "org.opencontainers.image.ref.name");
  if (name === undefined || !/[:/]/.test(name)) return [];
  const { domain, path, tag } = withDefaultTag(parseReference(name));
  return tag === undefined ? [] : [{ domain, path, tag }];
}

/** Several descriptors of an index may name one image. */
function mergeTags(images: readonly ArchivedImage[]): readonly ArchivedImage[] {
  const byConfig = new Map<string, ArchivedImage>();
  for (const image of images) {
    const present = byConfig.get(image.configPath);
    byConfig.set(image.configPath, present === undefined ? image : { ...present, tags: [...present.tags, ...image.tags] });
  }
  return [...byConfig.values()];
}
