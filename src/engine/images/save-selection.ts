import { defined } from "../../lib/assert.ts";
import { OperationError } from "../../lib/errors.ts";
import type { ImageId } from "../../model/ids.ts";
import type { ImageIndex } from "./image-index.ts";
import { familiarName, parseReference, type Reference } from "./reference.ts";
import type { SavedImage } from "./save.ts";

/** Which images `docker save` writes, under which names: those asked for, all tags of a bare repository, none for an id. */
export function selectSaved(index: ImageIndex, references: readonly string[]): readonly SavedImage[] {
  const byId = new Map<ImageId, Reference[]>();
  for (const text of references) {
    for (const [id, tag] of imagesOf(index, text)) {
      const tags = byId.get(id) ?? [];
      byId.set(id, tag === undefined ? tags : [...tags, tag]);
    }
  }
  return [...byId].map(([id, tags]) => ({ image: defined(index.get(id), id), tags }));
}

function imagesOf(index: ImageIndex, text: string): readonly (readonly [ImageId, Reference | undefined])[] {
  if (index.isId(text)) return [[index.resolve(text), undefined]];
  const reference = parseReference(text);
  if (reference.digest !== undefined) return [[index.resolve(text), undefined]];
  if (reference.tag !== undefined) return [[index.resolve(text), reference]];
  const tagged = index.names().filter(([, name]) => name.tag !== undefined && familiarName(name) === familiarName(reference));
  if (tagged.length === 0) throw new OperationError("not-found", `No such image: ${text}`);
  return tagged;
}
