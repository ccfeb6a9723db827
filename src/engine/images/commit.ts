import { createHash } from "node:crypto";
import { defined } from "../../lib/assert.ts";
import { asId, type Digest, type ImageId } from "../../model/ids.ts";
import type { Image, ImageConfig } from "../../model/image.ts";
import { formatImageConfig, LAYERS_MAX, parseImageConfig } from "./image-config.ts";
import type { ImageRecord } from "./image-index.ts";
import type { LayerStore } from "./layer-store.ts";
import type { PreparedImage } from "./load.ts";
import type { Reference } from "./reference.ts";
import type { StagedFile, Staging } from "./staging.ts";
import { OperationError } from "../../lib/errors.ts";
import { TAR_END } from "../../lib/tar/writer.ts";

export interface CommitRequest {
  /** Without an id: nothing. */
  readonly base: Omit<Image, "id"> & { readonly id: ImageId | "" };
  readonly config: ImageConfig;
  /** Missing: now. */
  readonly createdAtMs?: number;
  readonly author: string;
  readonly comment: string;
  readonly createdBy: string;
  readonly tags: readonly Reference[];
  /** Of a build: see ImageRecord. */
  readonly step?: ImageRecord["step"];
  /** A layer that is here, in place of an archive. */
  readonly layer?: Digest;
  /** The archive is a layer however little it holds. */
  readonly isWhole?: true;
}

/** An image of another's layers and, where there is an archive that holds anything, one more. */
export async function prepareCommit(
  archive: AsyncIterable<Uint8Array> | undefined,
  {
    base,
    config,
    createdAtMs,
    author,
    comment,
    createdBy,
    tags,
    step,
    layer,
    isWhole,
  }: CommitRequest & { readonly createdAtMs: number },
  {
    staging,
    lease,
    layers,
  }: { readonly staging: Staging; readonly lease: (diffId: Digest) => void; readonly layers: LayerStore },
): Promise<PreparedImage> {
  for (const diffId of base.diffIds) lease(diffId);
  const below = base.diffIds.map(diffId => ({ kind: "present", layer: defined(layers.get(diffId), `layer ${diffId}`) }) as const);
  const blob = archive === undefined ? undefined : await staging.receive(archive);
  const isEmpty = blob !== undefined && blob.sizeBytes <= TAR_END.length && isWhole !== true;
  const own = layer !== undefined ? presentLayer(layer) : blob === undefined || isEmpty ? undefined : await ownLayer(blob);
  if (below.length >= LAYERS_MAX && own !== undefined) throw new OperationError("invalid", "max depth exceeded");
  const diffIds = own === undefined ? base.diffIds : [...base.diffIds, own.diffId];
  const history = [...base.history, { createdAtMs, createdBy, comment, isEmptyLayer: own === undefined, author }];
  const { architecture, variant, os } = base;
  const configBytes = formatImageConfig({ architecture, variant, os, createdAtMs, author, config, diffIds, history });
  const id = asId<ImageId>(`sha256:${createHash("sha256").update(configBytes).digest("hex")}`);
  const all = own === undefined ? below : [...below, own.layer];
  const origin = { ...(base.id !== "" && { parent: base.id }), ...(step !== undefined && { step }) };
  return { id, configBytes, description: parseImageConfig(configBytes), layers: all, tags, origin };

  async function ownLayer(blob: StagedFile) {
    const tree = await staging.unpack(blob);
    if (layers.get(tree.diffId) !== undefined) return presentLayer(tree.diffId);
    return { diffId: tree.diffId, layer: { kind: "new", tree, blob } as const };
  }

  function presentLayer(diffId: Digest) {
    lease(diffId);
    return { diffId, layer: { kind: "present", layer: defined(layers.get(diffId), `layer ${diffId}`) } as const };
  }
}
