import { asId, type Digest, type ImageId } from "../../model/ids.ts";
import { chainIds } from "./chain.ts";
import type { ImageIndex } from "./image-index.ts";
import type { LayerStore } from "./layer-store.ts";
import { familiarReference } from "./reference.ts";
import { type ImageUser, planRemoval } from "./removal.ts";

/** What removal tells its user, one line each. */
export type Removed = { readonly untagged: string } | { readonly deleted: string };

export interface RemovalContext {
  readonly index: ImageIndex;
  readonly layers: LayerStore;
  readonly usedBy: (id: ImageId) => readonly ImageUser[];
  /** Whether somebody is about to go on from it: then it counts as one that has children, as it soon will. */
  readonly isHeld: (id: ImageId) => boolean;
  /** Removes layers and blobs that nothing needs. @returns bytes */
  readonly collect: () => Promise<number>;
  readonly announce: (action: "untag" | "delete", id: ImageId) => void;
}

export interface RemovalResult {
  readonly removed: readonly Removed[];
  readonly reclaimedBytes: number;
}

/** Carries a removal out, and with `prune` those of untagged parents that nothing needs any more. Inside the store's mutex only. */
export async function removeImage(
  reference: string,
  options: { readonly force: boolean; readonly prune: boolean },
  context: RemovalContext,
): Promise<RemovalResult> {
  const { index, usedBy, isHeld, announce } = context;
  const image = index.require(reference);
  const hasChildren = index.hasChildren(image.id) || isHeld(image.id);
  const names = index.namesOf(image.id);
  const plan = planRemoval({ image, names, reference, force: options.force, users: usedBy(image.id), hasChildren });
  await index.rename({ set: [], remove: plan.untag });
  for (const _ of plan.untag) announce("untag", image.id);
  const untagged = plan.untag.map(name => ({ untagged: familiarReference(name) }));
  if (!plan.isDeleted || isHeld(image.id)) return { removed: untagged, reclaimedBytes: 0 };
  await index.removeImage(image.id);
  const reclaimedBytes = await context.collect();
  announce("delete", image.id);
  const removed = [...untagged, { deleted: image.id }, ...removedChains(image.diffIds, context.layers)];
  const parent = index.get(asId<ImageId>(image.parent));
  const isNeeded =
    parent === undefined ||
    parent.tags.length > 0 ||
    index.hasChildren(parent.id) ||
    isHeld(parent.id) ||
    usedBy(parent.id).length > 0;
  if (!options.prune || isNeeded) return { removed, reclaimedBytes };
  const above = await removeImage(parent.id, { force: false, prune: true }, context);
  return { removed: [...removed, ...above.removed], reclaimedBytes: reclaimedBytes + above.reclaimedBytes };
}

/** Layers that went with the image, topmost first. */
function removedChains(diffIds: readonly Digest[], layers: LayerStore): readonly Removed[] {
  const chain = chainIds(diffIds);
  const gone = chain.filter((_, position) => layers.get(diffIds[position] ?? asId<Digest>("")) === undefined);
  return gone.reverse().map(id => ({ deleted: id }));
}
