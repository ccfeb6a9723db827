import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readdirSync, statSync } from "node:fs";
import { gzipSync } from "node:zlib";
import type { ImagesBackend } from "../../../src/api/backends.ts";
import type { ContainerImages } from "../../../src/engine/containers/needs.ts";
import type { ImageStore } from "../../../src/engine/images/store.ts";
import { asId, type ContainerId } from "../../../src/model/ids.ts";
import type { TarEntryInit } from "../../../src/lib/tar/writer.ts";
import { dockerArchive, imageConfig, sha256, tarOf } from "../../fixtures/images.ts";
import { readMembers } from "../../unit/lib/tar/read-members.ts";
import { imageNames, collect, StoreFixture, stream } from "./store-fixture.ts";
import { skip } from "../../skip.ts";

const CONTAINER = asId<ContainerId>("d".repeat(64));
const signal = new AbortController().signal;
const file = (path: string, content: string | Uint8Array): readonly [TarEntryInit, string | Uint8Array] => [
  { type: "file", path },
  content,
];
const LOWER = tarOf([file("kept", "1"), file("gone", "1"), file("dir/old", "1"), file("swapped/old", "1")]);
const UPPER = tarOf([
  { type: "file", path: ".wh.gone" },
  { type: "directory", path: "dir/" },
  { type: "file", path: "dir/.wh..wh..opq" },
  file("dir/new", "2"),
  { type: "file", path: ".wh.swapped" },
  file("swapped/new", "2"),
]);

describe("image layouts", function () {
  let fixture: StoreFixture;
  let store: ImageStore;

  before(function () {
    if (process.getuid?.() !== 0) skip(this, "it needs root");
  });
  beforeEach(async () => {
    fixture = new StoreFixture();
    store = await fixture.open();
  });
  afterEach(() => fixture?.[Symbol.asyncDispose]());

  const load = async (archive: Uint8Array): Promise<readonly unknown[]> => collect(store.load(stream(archive), { quiet: true }));
  async function contentOf(reference: string): Promise<readonly string[]> {
    await store.createRootfs(CONTAINER, store.get(reference).id);
    const path = await store.mountRootfs(CONTAINER, { isVolatile: true });
    const names = imageNames(path);
    await store.removeRootfs(CONTAINER);
    return names;
  }

  it("fits what REST and containers ask of it", () => {
    const backend: ImagesBackend = store;
    const images: ContainerImages = store;
    assert.ok(backend !== undefined && images !== undefined);
  });

  it("turns whiteouts into what overlayfs hides", async () => {
    await load(dockerArchive({ tags: ["white:1"], layers: [LOWER, UPPER] }));
    assert.deepEqual(await contentOf("white:1"), ["dir", "dir/new", "kept", "swapped", "swapped/new"]);
  });

  it("loads the layout of old archives, with layers shared by links", async () => {
    const config = imageConfig({ layers: [LOWER, LOWER] });
    const archive = tarOf([
      file("aaaa/layer.tar", LOWER),
      file("aaaa/VERSION", "1.0"),
      { type: "symlink", path: "bbbb/layer.tar", linkPath: "../aaaa/layer.tar" },
      file(`${sha256(config)}.json`, config),
      file(
        "manifest.json",
        JSON.stringify([
          {
            Config: `${sha256(config)}.json`,
            RepoTags: ["old:1", "reg:5000/old:2"],
            Layers: ["aaaa/layer.tar", "bbbb/layer.tar"],
          },
        ]),
      ),
      file("repositories", JSON.stringify({ old: { "1": "bbbb" } })),
    ]);
    assert.deepEqual(await load(archive), [{ stream: "Loaded image: old:1\n" }, { stream: "Loaded image: reg:5000/old:2\n" }]);
    assert.deepEqual(store.get("old:1").tags, ["old:1", "reg:5000/old:2"]);
  });

  it("loads an OCI layout: nested index, this platform's manifest, compressed layers", async () => {
    const zstd = execFileSync("zstd", ["-c"], { input: UPPER });
    const config = imageConfig({ layers: [LOWER, UPPER] });
    const blobs = new Map<string, Uint8Array>();
    const add = (mediaType: string, content: Uint8Array | object, extra: object = {}): object => {
      const bytes = content instanceof Uint8Array ? content : Buffer.from(JSON.stringify(content));
      blobs.set(`blobs/sha256/${sha256(bytes)}`, bytes);
      return { mediaType, digest: `sha256:${sha256(bytes)}`, size: bytes.length, ...extra };
    };
    const layer = "application/vnd.oci.image.layer.v1.tar";
    const manifest = add(
      "application/vnd.oci.image.manifest.v1+json",
      {
        schemaVersion: 2,
        config: add("application/vnd.oci.image.config.v1+json", config),
        layers: [add(`${layer}+gzip`, gzipSync(LOWER)), add(`${layer}+zstd`, zstd)],
      },
      { platform: { os: "linux", architecture: process.arch === "x64" ? "amd64" : process.arch } },
    );
    const other = {
      mediaType: "application/vnd.oci.image.manifest.v1+json",
      digest: `sha256:${"0".repeat(64)}`,
      size: 1,
      platform: { os: "linux", architecture: "s390x" },
    };
    const index = add(
      "application/vnd.oci.image.index.v1+json",
      { schemaVersion: 2, manifests: [other, manifest] },
      { annotations: { "io.containerd.image.name": "docker.io/library/oci:1" } },
    );
    const archive = tarOf([
      ...[...blobs].map(([path, bytes]) => file(path, bytes)),
      file("index.json", JSON.stringify({ schemaVersion: 2, manifests: [index] })),
      file("oci-layout", JSON.stringify({ imageLayoutVersion: "1.0.0" })),
    ]);
    assert.deepEqual(await load(archive), [{ stream: "Loaded image: oci:1\n" }]);
    assert.equal(store.get("oci:1").id, `sha256:${sha256(config)}`);
    assert.deepEqual(await contentOf("oci:1"), ["dir", "dir/new", "kept", "swapped", "swapped/new"]);
  });

  it("saves what it loaded, so that another store takes it, by either manifest", async () => {
    await load(dockerArchive({ tags: ["a:1", "a:2"], layers: [LOWER, UPPER] }, { tags: ["b:1"], layers: [LOWER] }));
    const whole = Buffer.concat(await collect(store.save(["a", "b:1"], { signal })));
    const images = ["a:1", "a:2", "b:1"].map(name => store.get(name));
    const withoutDockerManifest = tarOf(
      readMembers(whole, 1 << 20)
        .filter(({ entry }) => entry.path.toString() !== "manifest.json")
        .map(({ entry, content }) => [entry, content] as const),
    );
    for (const archive of [whole, withoutDockerManifest]) {
      await using other = new StoreFixture();
      const twin = await other.open();
      await collect(twin.load(stream(archive), { quiet: true }));
      assert.deepEqual(
        ["a:1", "a:2", "b:1"].map(name => twin.get(name)),
        images,
      );
    }
    await assert.rejects(collect(store.save(["c"], { signal })), { kind: "not-found", message: "No such image: c" });
    const byId = await collect(store.save([images[2]?.id ?? ""], { signal }));
    assert.deepEqual(JSON.parse(fileIn(Buffer.concat(byId), "manifest.json"))[0].RepoTags, null);
  });

  it("unpacks a layer once, however many images and archives have it", async () => {
    const messages = await collect(store.load(stream(dockerArchive({ layers: [LOWER] })), { quiet: false }));
    assert.equal(messages.length, 2);
    assert.match(JSON.stringify(messages[1]), /Loaded image ID: sha256:/);
    const inode = statSync(`${fixture.dataRoot}/images/l/1`).ino;
    await load(dockerArchive({ tags: ["x:1"], layers: [LOWER, UPPER] }));
    assert.deepEqual(readdirSync(`${fixture.dataRoot}/images/l`).sort(), ["1", "2"]);
    assert.equal(statSync(`${fixture.dataRoot}/images/l/1`).ino, inode);
  });

  it("mounts an image of 127 layers and refuses one of 128", async () => {
    const layers = Array.from({ length: 128 }, (_, index) => tarOf([file(`f${index}`, String(index))]));
    await load(dockerArchive({ tags: ["deep:1"], layers: layers.slice(1) }));
    assert.equal((await contentOf("deep:1")).length, 127);
    await assert.rejects(load(dockerArchive({ tags: ["deep:2"], layers })), { kind: "invalid", message: "max depth exceeded" });
  });

  it("mounts an image without layers", async () => {
    await load(dockerArchive({ tags: ["empty:1"], layers: [] }));
    assert.deepEqual(await contentOf("empty:1"), []);
  });

  it("takes an archive compressed whole, by each program there is", async () => {
    const archive = dockerArchive({ tags: ["z:1"], layers: [LOWER] });
    for (const program of ["gzip", "zstd", "xz", "bzip2"]) {
      await load(execFileSync(program, ["-c"], { input: archive }));
      await store.remove("z:1", { force: false, prune: true });
    }
    assert.deepEqual(readdirSync(`${fixture.dataRoot}/images/l`), []);
  });
});

function fileIn(archive: Buffer, path: string): string {
  return (
    readMembers(archive, 1 << 20)
      .find(({ entry }) => entry.path.toString() === path)
      ?.content.toString() ?? ""
  );
}
