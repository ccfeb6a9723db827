import { createHash } from "node:crypto";
import { defined } from "../../lib/assert.ts";
import { asId, type Digest, type ImageId } from "../../model/ids.ts";
import type { Image, ImageConfig } from "../../model/image.ts";
import { formatImageConfig, LAYERS_MAX, parseImageConfig } from "./image-config.ts";
import type { LayerStore } from "./layer-store.ts";
import type { PreparedImage } from "./load.ts";
import type { Reference } from "./reference.ts";
import type { Staging } from "./staging.ts";
import { OperationError } from "../../lib/errors.ts";
import { TAR_END } from "../../lib/tar/writer.ts";

export interface CommitRequest {
  readonly base: Image;
  readonly config: ImageConfig;
  readonly createdAtMs: number;
  readonly author: string;
  readonly comment: string;
  readonly createdBy: string;
  readonly tags: readonly Reference[];
}

/** An image of another's layers and, where the archive holds anything, one more. */
export async function prepareCommit(
  archive: AsyncIterable<Uint8Array>,
  { base, config, createdAtMs, author, comment, createdBy, tags }: CommitRequest,
  {
    staging,
    lease,
    layers,
  }: { readonly staging: Staging; readonly lease: (diffId: Digest) => void; readonly layers: LayerStore },
): Promise<PreparedImage> {
  for (const diffId of base.diffIds) lease(diffId);
  const below = base.diffIds.map(diffId => ({ kind: "present", layer: defined(layers.get(diffId), `layer ${diffId}`) }) as const);
  const blob = await staging.receive(archive);
  const isEmptyLayer = blob.sizeBytes <= TAR_END.length;
  const own = isEmptyLayer ? undefined : await ownLayer();
  if (below.length >= LAYERS_MAX && own !== undefined) throw new OperationError("invalid", "max depth exceeded");
  const diffIds = own === undefined ? base.diffIds : [...base.diffIds, own.diffId];
  const history = [...base.history, { createdAtMs, createdBy, comment, isEmptyLayer, author }];
  const { architecture, variant, os } = base;
  const configBytes = formatImageConfig({ architecture, variant, os, createdAtMs, author, config, diffIds, history });
  const id = asId<ImageId>(`sha256:${createHash("sha256").update(configBytes).digest("hex")}`);
  const all = own === undefined ? below : [...below, own.layer];
  return { id, configBytes, description: parseImageConfig(configBytes), layers: all, tags };

  async function ownLayer() {
    const tree = await staging.unpack(blob);
    const present = layers.get(tree.diffId);
    if (present === undefined) return { diffId: tree.diffId, layer: { kind: "new", tree, blob } as const };
    lease(present.diffId);
    return { diffId: tree.diffId, layer: { kind: "present", layer: present } as const };
  }
}
