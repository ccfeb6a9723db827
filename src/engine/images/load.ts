import { OperationError } from "../../lib/errors.ts";
import type { Digest, ImageId } from "../../model/ids.ts";
import { ArchiveContents } from "./archive-contents.ts";
import { type ArchivedImage, type Platform, readArchiveManifest } from "./archive-manifest.ts";
import { type ImageDescription, parseImageConfig } from "./image-config.ts";
import type { ImageRecord } from "./image-index.ts";
import type { Layer, LayerStore } from "./layer-store.ts";
import type { Reference } from "./reference.ts";
import type { StagedFile, StagedTree, Staging } from "./staging.ts";

/** An image that is complete and verified, and waits to be recorded. */
export interface PreparedImage {
  readonly id: ImageId;
  readonly configBytes: Uint8Array;
  readonly description: ImageDescription;
  /** Bottom first. */
  readonly layers: readonly PreparedLayer[];
  readonly tags: readonly Reference[];
  /** Of one that is made here. */
  readonly origin?: Pick<ImageRecord, "parent" | "step">;
}

/** Already here, or to be moved in. */
export type PreparedLayer =
  | { readonly kind: "present"; readonly layer: Layer }
  | { readonly kind: "new"; readonly tree: StagedTree; readonly blob: StagedFile };

export const CONFIG_BYTES_MAX = 4 * 1024 * 1024;

export interface PrepareOptions {
  readonly staging: Staging;
  readonly layers: LayerStore;
  readonly platform: Platform;
  /** Called with each layer that is relied on though it was here before: it must not be collected meanwhile. */
  readonly lease: (diffId: Digest) => void;
  readonly onLayer: (progress: { readonly diffId: Digest; readonly sizeBytes: number }) => void;
}

/** Receives an archive and checks all of it. Writes to the staging folder only. @throws OperationError `invalid` */
export async function prepareArchive(
  archive: AsyncIterable<Uint8Array>,
  options: PrepareOptions,
): Promise<readonly PreparedImage[]> {
  const { staging, layers, platform } = options;
  const contents = await ArchiveContents.receive(archive, { staging, isKnown: blob => layers.findByBlob(blob) !== undefined });
  try {
    const images: PreparedImage[] = [];
    for (const image of await readArchiveManifest(contents, platform)) images.push(await prepareImage(contents, image, options));
    return images;
  } finally {
    await contents.settle(); // Nothing may write into the staging folder while it is removed.
  }
}

async function prepareImage(contents: ArchiveContents, image: ArchivedImage, options: PrepareOptions): Promise<PreparedImage> {
  const configBytes = await contents.readSmall(image.configPath, { bytesMax: CONFIG_BYTES_MAX });
  const configFile = fileOf(contents, image.configPath);
  const description = parseImageConfig(configBytes);
  const { diffIds } = description;
  if (diffIds.length !== image.layerPaths.length) {
    throw new OperationError(
      "invalid",
      `invalid manifest, layers length mismatch: expected ${diffIds.length}, got ${image.layerPaths.length}`,
    );
  }
  if (description.os !== options.platform.os) {
    throw new OperationError("invalid", `cannot load ${description.os} image on ${options.platform.os}`);
  }
  const layers: PreparedLayer[] = [];
  for (const [index, path] of image.layerPaths.entries()) {
    const layer = await prepareLayer(contents, fileOf(contents, path), options);
    const found = layer.kind === "present" ? layer.layer.diffId : layer.tree.diffId;
    const expected = diffIds[index];
    if (found !== expected) {
      throw new OperationError(
        "invalid",
        `invalid diffID for layer ${index}: expected ${JSON.stringify(expected)}, got ${JSON.stringify(found)}`,
      );
    }
    if (layer.kind === "new") options.onLayer({ diffId: found, sizeBytes: layer.blob.sizeBytes });
    layers.push(layer);
  }
  return { id: configFile.digest, configBytes, description, layers, tags: image.tags };
}

async function prepareLayer(
  contents: ArchiveContents,
  file: StagedFile,
  { layers, lease }: PrepareOptions,
): Promise<PreparedLayer> {
  const known = layers.findByBlob(file.digest);
  if (known !== undefined) {
    lease(known.diffId);
    return { kind: "present", layer: known };
  }
  const tree = await contents.unpack(file);
  const twin = layers.get(tree.diffId); // The same tree came in another compression before.
  if (twin === undefined) return { kind: "new", tree, blob: file };
  lease(twin.diffId);
  return { kind: "present", layer: twin };
}

/** A file whose name is a digest must be what it says. */
function fileOf(contents: ArchiveContents, path: string): StagedFile {
  const file = contents.file(path);
  if (file === undefined) throw new OperationError("invalid", `invalid archive: file ${JSON.stringify(path)} is missing`);
  const named = /^blobs\/sha256\/([0-9a-f]{64})$/.exec(path)?.[1];
  if (named !== undefined && file.digest !== `sha256:${named}`) {
    throw new OperationError("invalid", `invalid archive: digest mismatch: expected sha256:${named}, got ${file.digest}`);
  }
  return file;
}
