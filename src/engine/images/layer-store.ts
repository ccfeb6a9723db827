import { mkdir, readdir, rename } from "node:fs/promises";
import { defined } from "../../lib/assert.ts";
import { asId, type Digest } from "../../model/ids.ts";
import { readIfThere, replaceFile, syncDirectory } from "./durable.ts";
import type { Trash } from "./trash.ts";
import { failpoint } from "../../ports/failpoint.ts";

/** A layer of this host: its blob as it came, and the tree it unpacks to. */
export interface Layer {
  readonly diffId: Digest;
  /** Name of its folder: short, since mount options are. */
  readonly directory: string;
  readonly sizeBytes: number;
  readonly blob: { readonly digest: Digest; readonly sizeBytes: number };
}

/**
 * Unpacked layers (`l/N`), blobs (`blobs/sha256/HEX`) and the records that say which belong together (`layers/HEX.json`, named by diff id).
 * What no record names is left over from a crash and is removed at the start.
 */
export class LayerStore {
  readonly #root: string;
  readonly #trash: Trash;
  readonly #layers = new Map<Digest, Layer>();
  readonly #leases = new Map<Digest, number>();
  #nextDirectory = 1;

  private constructor(root: string, trash: Trash) {
    this.#root = root;
    this.#trash = trash;
  }

  static async create(root: string, trash: Trash): Promise<LayerStore> {
    const store = new LayerStore(root, trash);
    for (const folder of ["l", "layers", "blobs/sha256"]) await mkdir(`${root}/${folder}`, { recursive: true, mode: 0o700 });
    const directories = new Set(await readdir(`${root}/l`));
    const blobs = new Set((await readdir(`${root}/blobs/sha256`)).map(name => `sha256:${name}`));
    for (const name of await readdir(`${root}/layers`)) {
      if (!name.endsWith(".json")) continue;
      const bytes = defined(await readIfThere(`${root}/layers/${name}`), name);
      const layer = JSON.parse(bytes.toString("utf8")) as Layer;
      if (directories.has(layer.directory) && blobs.has(layer.blob.digest)) store.#keep(layer);
    }
    return store;
  }

  get(diffId: Digest): Layer | undefined {
    return this.#layers.get(diffId);
  }

  /** Where layers lie, bottom first in, topmost first out; undefined without any. */
  folders(diffIds: readonly Digest[]): { readonly upper: string; readonly lower: readonly string[] } | undefined {
    const [upper, ...lower] = diffIds.map(id => `${this.#root}/l/${defined(this.#layers.get(id), id).directory}`).reverse();
    return upper === undefined ? undefined : { upper, lower };
  }

  /** Bytes of each, unpacked. */
  sizes(): ReadonlyMap<Digest, number> {
    return new Map([...this.#layers.values()].map(({ diffId, sizeBytes }) => [diffId, sizeBytes]));
  }

  /** The layer that this blob unpacks to. A plain tar's digest is its diff id. */
  findByBlob(digest: Digest): Layer | undefined {
    const direct = this.#layers.get(digest);
    if (direct !== undefined) return direct;
    for (const layer of this.#layers.values()) if (layer.blob.digest === digest) return layer;
    return undefined;
  }

  blobPath(digest: Digest): string {
    return `${this.#root}/blobs/sha256/${digest.slice("sha256:".length)}`;
  }

  /** Keeps a layer from being collected while somebody relies on it without an image of theirs being recorded. */
  lease(diffId: Digest): () => void {
    this.#leases.set(diffId, (this.#leases.get(diffId) ?? 0) + 1);
    return () => {
      const left = (this.#leases.get(diffId) ?? 1) - 1;
      if (left > 0) this.#leases.set(diffId, left);
      else this.#leases.delete(diffId);
    };
  }

  /** Takes staged files over. They must be durable already. Durable itself only after `record`. */
  async adoptBlob(path: string, digest: Digest): Promise<void> {
    await failpoint("images/blob.rename", () => rename(path, this.blobPath(digest)));
  }

  async adoptLayer(
    tree: { readonly path: string; readonly diffId: Digest; readonly sizeBytes: number },
    blob: Layer["blob"],
  ): Promise<Layer> {
    const directory = (this.#nextDirectory++).toString(36);
    const layer = { diffId: tree.diffId, directory, sizeBytes: tree.sizeBytes, blob };
    await failpoint("images/layer.rename", () => rename(tree.path, `${this.#root}/l/${directory}`));
    await syncDirectory(`${this.#root}/l`, "images/layers.sync");
    await syncDirectory(`${this.#root}/blobs/sha256`, "images/blobs.sync");
    await replaceFile(this.#recordPath(tree.diffId), JSON.stringify(layer), { place: "images/layer-record" });
    this.#keep(layer);
    return layer;
  }

  async writeBlob(digest: Digest, content: Uint8Array): Promise<void> {
    await replaceFile(this.blobPath(digest), content, { place: "images/config" });
  }

  /** Removes every layer and blob that is not named, nor leased. @returns bytes of unpacked layers that went. */
  async collect(used: { readonly diffIds: ReadonlySet<Digest>; readonly blobs: ReadonlySet<Digest> }): Promise<number> {
    const gone = [...this.#layers.values()].filter(({ diffId }) => !used.diffIds.has(diffId) && !this.#leases.has(diffId));
    for (const { diffId } of gone) this.#layers.delete(diffId);
    const blobs = new Set([...used.blobs, ...[...this.#layers.values()].map(({ blob }) => blob.digest)]);
    const directories = new Set([...this.#layers.values()].map(({ directory }) => directory));
    const records = new Set([...this.#layers.keys()].map(diffId => `${diffId.slice("sha256:".length)}.json`));
    // Records first: a record without its folder would be a broken image, a folder without record is rubbish.
    await this.#trash.throwAway(await this.#othersThan("layers", name => records.has(name)));
    await syncDirectory(`${this.#root}/layers`, "images/layer-removal.sync");
    await this.#trash.throwAway([
      ...(await this.#othersThan("l", name => directories.has(name))),
      ...(await this.#othersThan("blobs/sha256", name => blobs.has(asId<Digest>(`sha256:${name}`)))),
    ]);
    return gone.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  }

  async #othersThan(folder: string, isKept: (name: string) => boolean): Promise<readonly string[]> {
    const names = await readdir(`${this.#root}/${folder}`);
    return names.filter(name => !isKept(name)).map(name => `${this.#root}/${folder}/${name}`);
  }

  #keep(layer: Layer): void {
    this.#layers.set(layer.diffId, layer);
    this.#nextDirectory = Math.max(this.#nextDirectory, parseInt(layer.directory, 36) + 1);
  }

  #recordPath(diffId: Digest): string {
    return `${this.#root}/layers/${diffId.slice("sha256:".length)}.json`;
  }
}
