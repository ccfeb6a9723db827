import { open, stat } from "node:fs/promises";
import { createHash } from "node:crypto";
import { readPieces } from "../../lib/read-pieces.ts";
import { paddingBytes } from "../../lib/tar/entry.ts";
import { encodeHeader, encodeMember, TAR_END } from "../../lib/tar/writer.ts";
import { asId, type Digest } from "../../model/ids.ts";
import type { Image } from "../../model/image.ts";
import { blobPathOf } from "./archive-manifest.ts";
import type { LayerStore } from "./layer-store.ts";
import { familiarName, familiarReference, fullReference, type Reference } from "./reference.ts";

export interface SavedImage {
  readonly image: Image;
  readonly tags: readonly Reference[];
}

const MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json";

interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly size: number;
}

/** An archive that Docker of any age and OCI tools read: the OCI layout, with `manifest.json` beside it. */
export async function* saveImages(
  images: readonly SavedImage[],
  { layers, signal }: { readonly layers: LayerStore; readonly signal: AbortSignal },
): AsyncGenerator<Uint8Array, void, void> {
  const files = new Map<string, Descriptor>();
  const manifests = new Map<string, Buffer>();
  const described: (SavedImage & { readonly manifest: Descriptor; readonly layerPaths: readonly string[] })[] = [];
  for (const saved of images) {
    const config = await describeBlob(layers, saved.image.id, "application/vnd.oci.image.config.v1+json");
    const descriptors = await Promise.all(saved.image.diffIds.map(diffId => describeLayer(layers, diffId)));
    const document = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: MANIFEST_TYPE, config, layers: descriptors }));
    const digest = asId<Digest>(`sha256:${createHash("sha256").update(document).digest("hex")}`);
    const manifest = { mediaType: MANIFEST_TYPE, digest, size: document.length };
    manifests.set(blobPathOf(digest), document);
    for (const blob of [config, ...descriptors]) files.set(blobPathOf(blob.digest), blob);
    described.push({ ...saved, manifest, layerPaths: descriptors.map(blob => blobPathOf(blob.digest)) });
  }
  yield encodeMember({ type: "directory", path: "blobs/" });
  yield encodeMember({ type: "directory", path: "blobs/sha256/" });
  for (const path of [...files.keys(), ...manifests.keys()].sort()) {
    signal.throwIfAborted();
    const document = manifests.get(path);
    const blob = files.get(path);
    if (document !== undefined) yield encodeMember({ type: "file", path }, document);
    else if (blob !== undefined) yield* blobMember(path, { blob, source: layers.blobPath(blob.digest), signal });
  }
  const json = (path: string, value: unknown): Uint8Array =>
    encodeMember({ type: "file", path }, Buffer.from(JSON.stringify(value)));
  const entries = described.flatMap(({ manifest, tags }) =>
    tags.length === 0 ? [manifest] : tags.map(tag => annotated(manifest, tag)),
  );
  yield json("index.json", { schemaVersion: 2, mediaType: "application/vnd.oci.image.index.v1+json", manifests: entries });
  yield json(
    "manifest.json",
    described.map(({ image, tags, layerPaths }) => ({
      Config: blobPathOf(image.id),
      RepoTags: tags.length === 0 ? null : tags.map(familiarReference),
      Layers: layerPaths,
    })),
  );
  yield json("oci-layout", { imageLayoutVersion: "1.0.0" });
  const repositories = repositoriesOf(described);
  if (repositories !== undefined) yield json("repositories", repositories);
  yield TAR_END;
}

function annotated(manifest: Descriptor, tag: Reference): object {
  return {
    ...manifest,
    annotations: { "io.containerd.image.name": fullReference(tag), "org.opencontainers.image.ref.name": tag.tag ?? "" },
  };
}

/** What readers from before `manifest.json` look at. */
function repositoriesOf(images: readonly SavedImage[]): Readonly<Record<string, Readonly<Record<string, string>>>> | undefined {
  const repositories: Record<string, Record<string, string>> = {};
  for (const { image, tags } of images) {
    const top = image.diffIds.at(-1)?.slice("sha256:".length);
    for (const tag of tags) if (top !== undefined) (repositories[familiarName(tag)] ??= {})[tag.tag ?? "latest"] = top;
  }
  return Object.keys(repositories).length === 0 ? undefined : repositories;
}

async function* blobMember(
  path: string,
  { blob, source, signal }: { readonly blob: Descriptor; readonly source: string; readonly signal: AbortSignal },
): AsyncGenerator<Uint8Array, void, void> {
  yield encodeHeader({ type: "file", path, sizeBytes: blob.size });
  for await (const chunk of readPieces(source)) {
    signal.throwIfAborted();
    yield chunk;
  }
  yield new Uint8Array(paddingBytes(blob.size));
}

async function describeLayer(layers: LayerStore, diffId: Digest): Promise<Descriptor> {
  const digest = layers.get(diffId)?.blob.digest ?? diffId;
  return describeBlob(layers, digest, `application/vnd.oci.image.layer.v1.tar${await compressionOf(layers.blobPath(digest))}`);
}

async function describeBlob(layers: LayerStore, digest: Digest, mediaType: string): Promise<Descriptor> {
  const { size } = await stat(layers.blobPath(digest));
  return { mediaType, digest, size };
}

async function compressionOf(path: string): Promise<"" | "+gzip" | "+zstd"> {
  const file = await open(path, "r");
  try {
    const { buffer } = await file.read(Buffer.alloc(4), 0, 4, 0);
    if (buffer[0] === 0x1f && buffer[1] === 0x8b) return "+gzip";
    return buffer.readUInt32LE(0) === 0xfd2fb528 ? "+zstd" : "";
  } finally {
    await file.close();
  }
}
