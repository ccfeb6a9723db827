import { defined } from "../../lib/assert.ts";
import { undoAfter } from "../../lib/undo.ts";
import type { ImageId } from "../../model/ids.ts";
import type { Clock } from "../../ports/clock.ts";
import { failpoint } from "../../ports/failpoint.ts";
import type { ImageArchives } from "./effects.ts";
import type { ImageIndex } from "./image-index.ts";
import type { LayerStore } from "./layer-store.ts";
import type { PreparedImage } from "./load.ts";
import type { Mutex } from "./mutex.ts";

export interface RecordContext {
  readonly root: string;
  readonly index: ImageIndex;
  readonly layers: LayerStore;
  readonly mutex: Mutex;
  readonly archives: Pick<ImageArchives, "syncFileSystem">;
  readonly clock: Clock;
  /** Removes what nothing needs. */
  readonly collect: () => Promise<unknown>;
}

/** Makes prepared images visible, all or none: first what they consist of, then the records, then the names. */
export async function recordImages(images: readonly PreparedImage[], context: RecordContext): Promise<void> {
  const { archives, root, mutex } = context;
  if (images.some(({ layers }) => layers.some(({ kind }) => kind === "new")))
    await failpoint("images/files.sync", () => archives.syncFileSystem(root));
  await mutex.run(() => record(images, context));
}

async function record(images: readonly PreparedImage[], { index, layers, clock, collect }: RecordContext): Promise<void> {
  const added: ImageId[] = [];
  const nowMs = clock.nowMs();
  try {
    for (const image of images) {
      for (const layer of image.layers) {
        if (layer.kind === "present" || layers.get(layer.tree.diffId) !== undefined) continue;
        await layers.adoptBlob(layer.blob.path, layer.blob.digest);
        await layers.adoptLayer(layer.tree, layer.blob);
      }
      if (index.has(image.id)) continue;
      await layers.writeBlob(image.id, image.configBytes);
      const used = image.description.diffIds.map(diffId => defined(layers.get(diffId), `layer ${diffId}`));
      const sizeBytes = used.reduce((sum, layer) => sum + layer.sizeBytes, 0);
      const tagged = image.tags.length > 0 ? { lastTaggedAtMs: nowMs } : {};
      await index.addImage({ id: image.id, sizeBytes, ...tagged, ...image.origin }, image.description);
      added.push(image.id);
    }
    const names = images.flatMap(({ id, tags }) => tags.map(tag => [tag, id] as const));
    if (names.length > 0) await index.rename({ set: names, remove: [] });
  } catch (error) {
    return undoAfter(error, [...added.map(id => () => index.removeImage(id)), collect]);
  }
}
