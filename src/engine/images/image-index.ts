import { mkdir, readdir, rm } from "node:fs/promises";
import { defined } from "../../lib/assert.ts";
import { errorMessage, OperationError } from "../../lib/errors.ts";
import { undoAfter } from "../../lib/undo.ts";
import { asId, type ImageId } from "../../model/ids.ts";
import type { Image } from "../../model/image.ts";
import type { Log } from "../../ports/log.ts";
import { readIfThere, removeUnfinished, replaceFile, syncDirectory } from "./durable.ts";
import type { ImageDescription } from "./image-config.ts";
import {
  familiarReference,
  familiarName,
  fullReference,
  isDigest,
  parseReference,
  type Reference,
  withDefaultTag,
} from "./reference.ts";

export interface ImageRecord {
  readonly id: ImageId;
  readonly sizeBytes: number;
  readonly lastTaggedAtMs?: number;
  /** What it was made of on this host. */
  readonly parent?: ImageId;
  /** By which step of a build: with the same key on the same parent it is found again. */
  readonly step?: { readonly key: string; readonly command: readonly string[] };
}

interface Entry extends ImageRecord {
  readonly description: ImageDescription;
}

const ID_PREFIX = /^[0-9a-f]{1,64}$/;

/**
 * Which images there are and what they are called. In memory, with a record per image (`images/HEX.json`) and one file of all names
 * (`repositories.json`), so that a name moves from image to image in one step.
 */
export class ImageIndex {
  readonly #root: string;
  readonly #entries = new Map<ImageId, Entry>();
  /** Full reference, with tag or digest. */
  readonly #names = new Map<string, ImageId>();

  private constructor(root: string) {
    this.#root = root;
  }

  /** @param read - The configuration of an image that is whole. When it throws, the image is left out and reported: one damaged image must not keep a daemon from starting. */
  static async create(
    root: string,
    { read, log }: { readonly read: (id: ImageId) => Promise<ImageDescription>; readonly log: Log },
  ): Promise<ImageIndex> {
    const index = new ImageIndex(root);
    await mkdir(`${root}/images`, { recursive: true, mode: 0o700 });
    await removeUnfinished(`${root}/repositories.json`);
    for (const name of await readdir(`${root}/images`)) {
      if (!name.endsWith(".json")) {
        await rm(`${root}/images/${name}`, { force: true }); // Of a record that was being written when the daemon ended.
        continue;
      }
      const bytes = defined(await readIfThere(`${root}/images/${name}`), name);
      try {
        const record = JSON.parse(bytes.toString("utf8")) as ImageRecord;
        index.#entries.set(record.id, { ...record, description: await read(record.id) });
      } catch (error) {
        log.error({ image: name, error: errorMessage(error) }, "an image is damaged and left out; load it again");
      }
    }
    const names = await readIfThere(`${root}/repositories.json`);
    const pairs = names === undefined ? {} : (JSON.parse(names.toString("utf8")) as Record<string, ImageId>);
    for (const [name, id] of Object.entries(pairs)) if (index.#entries.has(id)) index.#names.set(name, id);
    return index;
  }

  has(id: ImageId): boolean {
    return this.#entries.has(id);
  }

  all(): readonly Image[] {
    const names = this.#namesById();
    return [...this.#entries.values()].map(entry => imageOf(entry, names.get(entry.id) ?? []));
  }

  get(id: ImageId): Image | undefined {
    const entry = this.#entries.get(id);
    return entry === undefined ? undefined : imageOf(entry, this.namesOf(id));
  }

  /** @throws OperationError as `resolve`. */
  require(text: string): Image {
    return defined(this.get(this.resolve(text)), text);
  }

  hasChildren(id: ImageId): boolean {
    return [...this.#entries.values()].some(entry => parentOf(entry) === id);
  }

  /** What a build's step made of an image before, the newest. @param parent - Empty: of nothing. */
  findStep(parent: ImageId | "", stepKey: string): Image | undefined {
    const found = [...this.#entries.values()].filter(entry => entry.step?.key === stepKey && parentOf(entry) === parent);
    const newest = found.toSorted((a, b) => (b.description.createdAtMs ?? 0) - (a.description.createdAtMs ?? 0))[0];
    return newest === undefined ? undefined : this.get(newest.id);
  }

  /** By name, id or the start of an id. @throws OperationError `not-found`, or `invalid` for what cannot be a name. */
  resolve(text: string): ImageId {
    return this.find(text) ?? this.#missing(text);
  }

  find(text: string): ImageId | undefined {
    const hex = isDigest(text) ? text.slice("sha256:".length) : text;
    if (/^[0-9a-f]{64}$/.test(hex)) {
      const id = asId<ImageId>(`sha256:${hex}`);
      return this.#entries.has(id) ? id : undefined;
    }
    if (/^sha256:[0-9a-f]{1,63}$/.test(text)) return this.#findByPrefix(text.slice("sha256:".length));
    return this.idOf(withDefaultTag(parseReference(text))) ?? this.#findByPrefix(text);
  }

  idOf(reference: Reference): ImageId | undefined {
    const { tag, digest, ...name } = reference;
    if (digest !== undefined) return this.#names.get(fullReference({ ...name, digest }));
    return this.#names.get(fullReference({ ...name, ...(tag === undefined ? {} : { tag }) }));
  }

  namesOf(id: ImageId): readonly Reference[] {
    return [...this.#names].filter(([, named]) => named === id).map(([name]) => parseReference(name));
  }

  names(): readonly (readonly [ImageId, Reference])[] {
    return [...this.#names].map(([name, id]) => [id, parseReference(name)] as const);
  }

  /** Whether a text means an image by its id, and not by a name. */
  isId(text: string): boolean {
    if (/^(sha256:)?[0-9a-f]{64}$/.test(text) || text.startsWith("sha256:")) return true;
    return this.idOf(withDefaultTag(parseReference(text))) === undefined && this.#findByPrefix(text) !== undefined;
  }

  /** Durable when it resolves. */
  async addImage(record: ImageRecord, description: ImageDescription): Promise<void> {
    const path = this.#recordPath(record.id);
    try {
      await replaceFile(path, JSON.stringify(record), { place: "images/image-record" });
    } catch (error) {
      // It may be there, and not durable.
      return undoAfter(error, [() => (this.#entries.has(record.id) ? undefined : rm(path, { force: true }))]);
    }
    this.#entries.set(record.id, { ...record, description });
  }

  async markTagged(id: ImageId, nowMs: number): Promise<void> {
    const { description, ...record } = defined(this.#entries.get(id), id);
    await this.addImage({ ...record, lastTaggedAtMs: nowMs }, description);
  }

  async setParent(id: ImageId, parent: ImageId): Promise<void> {
    const { description, ...record } = defined(this.#entries.get(id), id);
    await this.addImage({ ...record, parent }, description);
  }

  async removeImage(id: ImageId): Promise<void> {
    this.#entries.delete(id);
    await rm(this.#recordPath(id), { force: true });
    await syncDirectory(`${this.#root}/images`, "images/image-removal.sync");
  }

  /** Gives and takes names in one durable step. */
  async rename(changes: {
    readonly set: readonly (readonly [Reference, ImageId])[];
    readonly remove: readonly Reference[];
  }): Promise<void> {
    const next = new Map(this.#names);
    for (const reference of changes.remove) next.delete(fullReference(reference));
    for (const [reference, id] of changes.set) next.set(fullReference(reference), id);
    try {
      await this.#writeNames(next);
    } catch (error) {
      return undoAfter(error, [() => this.#writeNames(this.#names)]); // It may have been written, and not be durable.
    }
    this.#names.clear();
    for (const [name, id] of next) this.#names.set(name, id);
  }

  async #writeNames(names: ReadonlyMap<string, ImageId>): Promise<void> {
    const content = JSON.stringify(Object.fromEntries(names));
    await replaceFile(`${this.#root}/repositories.json`, content, { place: "images/repositories" });
  }

  #findByPrefix(prefix: string): ImageId | undefined {
    if (!ID_PREFIX.test(prefix)) return undefined;
    const found = [...this.#entries.keys()].filter(id => id.startsWith(`sha256:${prefix}`));
    return found.length === 1 ? found[0] : undefined;
  }

  #missing(text: string): never {
    const name =
      isDigest(text) || /^sha256:[0-9a-f]{1,63}$/.test(text) ? text : /^[0-9a-f]{64}$/.test(text) ? `sha256:${text}` : undefined;
    throw new OperationError("not-found", `No such image: ${name ?? familiarReference(withDefaultTag(parseReference(text)))}`);
  }

  #namesById(): ReadonlyMap<ImageId, readonly Reference[]> {
    const byId = new Map<ImageId, Reference[]>();
    for (const [name, id] of this.#names) {
      const list = byId.get(id);
      if (list === undefined) byId.set(id, [parseReference(name)]);
      else list.push(parseReference(name));
    }
    return byId;
  }

  #recordPath(id: ImageId): string {
    return `${this.#root}/images/${id.slice("sha256:".length)}.json`;
  }
}

function parentOf({ parent, description }: Entry): string {
  return parent ?? description.parent;
}

function imageOf(entry: Entry, names: readonly Reference[]): Image {
  const { description, id, sizeBytes, lastTaggedAtMs, step } = entry;
  return {
    ...description,
    parent: parentOf(entry),
    id,
    sizeBytes,
    tags: names
      .filter(({ digest }) => digest === undefined)
      .map(familiarReference)
      .sort(),
    digests: names
      .filter(({ digest }) => digest !== undefined)
      .map(name => `${familiarName(name)}@${String(name.digest)}`)
      .sort(),
    ...(lastTaggedAtMs === undefined ? {} : { lastTaggedAtMs }),
    ...(step === undefined ? {} : { stepCommand: step.command }),
  };
}
