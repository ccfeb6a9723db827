import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { OperationError } from "../../../src/lib/errors.ts";
import { encodeMember, TAR_END } from "../../../src/lib/tar/writer.ts";
import { dockerArchive, imageConfig, sha256, tarOf } from "../../fixtures/images.ts";
import { collect, StoreFixture, stream } from "./store-fixture.ts";
import { skip } from "../../skip.ts";

const SMALL = tarOf([[{ type: "file", path: "hello" }, "hi"]]);
const LIMITS = { archiveBytesMax: 64 * 1024 * 1024, layerBytesMax: 8 * 1024 * 1024, layerEntriesMax: 1_000 };

/** An archive from paths and contents; objects become JSON. */
function archiveOf(files: Readonly<Record<string, unknown>>): Buffer {
  const bytes = (content: unknown): Uint8Array =>
    content instanceof Uint8Array ? content : Buffer.from(JSON.stringify(content));
  return tarOf(Object.entries(files).map(([path, content]) => [{ type: "file", path }, bytes(content)] as const));
}

function withManifest(manifest: unknown): Buffer {
  return archiveOf({ "manifest.json": manifest, "c.json": imageConfig({ layers: [SMALL] }), "l.tar": SMALL });
}

function withConfig(change: Readonly<Record<string, unknown>>): Buffer {
  return dockerArchive({ tags: ["bad:1"], layers: [SMALL], document: change });
}

function withLayer(layer: Uint8Array): Buffer {
  return dockerArchive({ tags: ["bad:1"], layers: [layer] });
}

function ociArchive(change: { readonly layerDigest?: string; readonly layerBytes?: Uint8Array; readonly size?: number }): Buffer {
  const config = imageConfig({ layers: [SMALL] });
  const layer = {
    mediaType: "application/vnd.oci.image.layer.v1.tar",
    digest: change.layerDigest ?? `sha256:${sha256(SMALL)}`,
    size: change.size ?? SMALL.length,
  };
  const manifest = Buffer.from(
    JSON.stringify({
      mediaType: "application/vnd.oci.image.manifest.v1+json",
      config: { mediaType: "application/vnd.oci.image.config.v1+json", digest: `sha256:${sha256(config)}`, size: config.length },
      layers: [layer],
    }),
  );
  return archiveOf({
    "oci-layout": { imageLayoutVersion: "1.0.0" },
    "index.json": {
      manifests: [
        { mediaType: "application/vnd.oci.image.manifest.v1+json", digest: `sha256:${sha256(manifest)}`, size: manifest.length },
      ],
    },
    [`blobs/sha256/${sha256(manifest)}`]: manifest,
    [`blobs/sha256/${sha256(config)}`]: config,
    [`blobs/sha256/${sha256(SMALL)}`]: change.layerBytes ?? SMALL,
  });
}

const whole = dockerArchive({ tags: ["bad:1"], layers: [SMALL] });
const corrupted = gzipSync(whole);
corrupted[corrupted.length - 6] = (corrupted.at(-6) ?? 0) ^ 0xff;
const manyFiles = tarOf(Array.from({ length: 1_001 }, (_, index) => ({ type: "file", path: `f${index}` }) as const));
const deep = `${"[".repeat(200_000)}${"]".repeat(200_000)}`;
const manifestOf = (change: Readonly<Record<string, unknown>>): unknown => [
  { Config: "c.json", RepoTags: ["bad:1"], Layers: ["l.tar"], ...change },
];

const CASES: readonly { readonly name: string; readonly archive: Buffer; readonly message: RegExp }[] = [
  { name: "nothing", archive: Buffer.alloc(0), message: /does not contain a manifest.json/ },
  { name: "no tar", archive: Buffer.from("x".repeat(5000)), message: /invalid tar header/ },
  { name: "a truncated tar", archive: whole.subarray(0, 2000), message: /unexpected EOF/ },
  { name: "a truncated gzip", archive: gzipSync(whole).subarray(0, 300), message: /gzip: unexpected end of file/ },
  { name: "a damaged gzip", archive: corrupted, message: /gzip: incorrect data check/ },
  { name: "a truncated zstd", archive: execFileSync("zstd", ["-c"], { input: whole }).subarray(0, 300), message: /zstd: / },
  { name: "no manifest", archive: tarOf([[{ type: "file", path: "a" }, "b"]]), message: /does not contain a manifest.json/ },
  {
    name: "a manifest that is no JSON",
    archive: archiveOf({ "manifest.json": Buffer.from("{") }),
    message: /invalid manifest.json: not JSON/,
  },
  { name: "a null manifest", archive: withManifest(null), message: /invalid manifest.json: expected a list/ },
  { name: "a manifest of nulls", archive: withManifest([null]), message: /manifest.json\[0\]: expected an object/ },
  {
    name: "a manifest with a number for its config",
    archive: withManifest(manifestOf({ Config: 7 })),
    message: /Config: expected text/,
  },
  { name: "a manifest without config", archive: withManifest(manifestOf({ Config: null })), message: /no Config/ },
  { name: "an object for layers", archive: withManifest(manifestOf({ Layers: {} })), message: /Layers: expected a list/ },
  { name: "a null layer", archive: withManifest(manifestOf({ Layers: [null] })), message: /Layers\[0\]: expected text/ },
  {
    name: "no layers",
    archive: withManifest(manifestOf({ Layers: null })),
    message: /layers length mismatch: expected 1, got 0/,
  },
  { name: "a missing layer", archive: withManifest(manifestOf({ Layers: ["other.tar"] })), message: /"other.tar" is missing/ },
  {
    name: "a climbing layer path",
    archive: withManifest(manifestOf({ Layers: ["../../etc/passwd"] })),
    message: /leads outside/,
  },
  {
    name: "100,000 layers",
    archive: withManifest(manifestOf({ Layers: Array.from({ length: 100_000 }, () => "l.tar") })),
    message: /max depth exceeded/,
  },
  {
    name: "a name that is none",
    archive: withManifest(manifestOf({ RepoTags: ["Bad Name"] })),
    message: /invalid reference format/,
  },
  { name: "a manifest that is too large", archive: withManifest("x".repeat(5_000_000)), message: /larger than/ },
  {
    name: "a deeply nested manifest",
    archive: archiveOf({ "manifest.json": Buffer.from(deep) }),
    message: /invalid manifest.json/,
  },
  { name: "a null rootfs", archive: withConfig({ rootfs: null }), message: /no RootFS key/ },
  {
    name: "diff ids that are none",
    archive: withConfig({ rootfs: { type: "layers", diff_ids: ["sha256:zz"] } }),
    message: /expected a sha256 digest/,
  },
  {
    name: "another diff id",
    archive: withConfig({ rootfs: { type: "layers", diff_ids: [`sha256:${"0".repeat(64)}`] } }),
    message: /invalid diffID for layer 0/,
  },
  {
    name: "a list for the environment's text",
    archive: withConfig({ config: { Env: [["A"]] } }),
    message: /Env\[0\]: expected text/,
  },
  { name: "labels that are numbers", archive: withConfig({ config: { Labels: { a: 1 } } }), message: /Labels.a: expected text/ },
  { name: "a history of nulls", archive: withConfig({ history: [null] }), message: /history: expected an object/ },
  { name: "another operating system", archive: withConfig({ os: "windows" }), message: /cannot load windows image on linux/ },
  {
    name: "an OCI blob that is not what its name says",
    archive: ociArchive({ layerBytes: gzipSync(SMALL) }),
    message: /digest mismatch/,
  },
  { name: "an OCI blob of another size", archive: ociArchive({ size: 7 }), message: /size mismatch/ },
  { name: "a missing OCI blob", archive: ociArchive({ layerDigest: `sha256:${"1".repeat(64)}` }), message: /is missing/ },
  {
    name: "a layer that climbs out",
    archive: withLayer(tarOf([[{ type: "file", path: "../../x" }, "y"]])),
    message: /leads outside/,
  },
  {
    name: "a hard link that climbs out",
    archive: withLayer(tarOf([{ type: "hard-link", path: "x", linkPath: "../../etc/shadow" }])),
    message: /leads outside/,
  },
  {
    name: "a hard link to nothing",
    archive: withLayer(tarOf([{ type: "hard-link", path: "x", linkPath: "/etc/shadow" }])),
    message: /invalid hard link/,
  },
  { name: "a whiteout of the parent", archive: withLayer(tarOf([{ type: "file", path: "a/.wh..." }])), message: /leads outside/ },
  {
    name: "a file in place of the root",
    archive: withLayer(tarOf([[{ type: "file", path: "./" + "." }, "x"]])),
    message: /replaces its own root/,
  },
  {
    name: "a name that is too long",
    archive: withLayer(tarOf([{ type: "file", path: "a".repeat(300) }])),
    message: /file name too long/,
  },
  { name: "a layer of too many files", archive: withLayer(manyFiles), message: /more than 1000 files/ },
  { name: "a layer bomb", archive: withManifest(manifestOf({})), message: /more than 8388608 bytes/ },
  { name: "a sparse bomb", archive: withLayer(sparseBomb()), message: /more than 8388608 bytes/ },
  { name: "a truncated layer", archive: withLayer(SMALL.subarray(0, 514)), message: /unexpected EOF/ },
  {
    name: "an unknown member type",
    archive: withLayer(Buffer.concat([unknownType(), TAR_END])),
    message: /unhandled tar header type/,
  },
];
const bomb = CASES.findIndex(({ name }) => name === "a layer bomb");

/** 1 TiB of hole in a few bytes. */
function sparseBomb(): Buffer {
  const pax = (records: readonly string[]): string => records.map(record => `${String(record).length + 4} ${record}\n`).join("");
  const records = Buffer.from(pax(["GNU.sparse.size=1099511627776", "GNU.sparse.map="]));
  const padded = Buffer.concat([records, Buffer.alloc(512 - records.length)]);
  const extension = encodeMember({ type: "file", path: "p" }, records);
  extension.write("x", 156, "latin1");
  extension.write("        ", 148, "latin1");
  const sum = extension.subarray(0, 512).reduce((total, byte) => total + byte, 0);
  extension.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return Buffer.concat([extension.subarray(0, 512), padded, encodeMember({ type: "file", path: "big" }), TAR_END]);
}

function unknownType(): Buffer {
  const member = encodeMember({ type: "file", path: "x" });
  member.write("Z", 156, "latin1");
  member.write("        ", 148, "latin1");
  const sum = member.reduce((total, byte) => total + byte, 0);
  member.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return member;
}

describe("hostile image archives", function () {
  let fixture: StoreFixture;
  before(async function () {
    if (process.getuid?.() !== 0) skip(this, "it needs root");
    fixture = new StoreFixture();
    // Something outside that must stay as it is.
    mkdirSync(`${fixture.dataRoot}/images`, { recursive: true });
    writeFileSync(`${fixture.dataRoot}/images/x`, "sentinel");
  });
  after(() => fixture?.[Symbol.asyncDispose]());

  const state = (): readonly string[] => readdirSync(fixture.dataRoot, { recursive: true, encoding: "utf8" }).sort();

  for (const [index, { name, archive, message }] of CASES.entries()) {
    it(`refuses ${name} and leaves nothing behind`, async () => {
      const store = await fixture.open({ limits: LIMITS });
      await collect(store.load(stream(dockerArchive({ tags: ["good:1"], layers: [SMALL] })), { quiet: true }));
      const before = state();
      const bytes = index === bomb ? dockerArchive({ tags: ["bad:1"], layers: [layerBomb()] }) : archive;
      await assert.rejects(
        collect(store.load(stream(bytes), { quiet: true })),
        error =>
          error instanceof OperationError &&
          error.kind === "invalid" &&
          message.test(error.message) &&
          !error.message.includes(fixture.dataRoot),
      );
      assert.deepEqual(state(), before);
      assert.deepEqual(
        (await store.list({ all: true, filters: {} })).map(({ tags }) => tags),
        [["good:1"]],
      );
      assert.equal(readFileSync(`${fixture.dataRoot}/images/x`, "utf8"), "sentinel");
    });
  }

  it("ends cleanly when the client goes away in the middle", async () => {
    const store = await fixture.open();
    const before = state();
    async function* broken(): AsyncGenerator<Uint8Array, void, void> {
      yield whole.subarray(0, 3000);
      throw new Error("connection reset");
    }
    await assert.rejects(collect(store.load(broken(), { quiet: true })), /connection reset/);
    assert.deepEqual(state(), before);
  });

  it("keeps what is written through links inside of the layer", async () => {
    const store = await fixture.open();
    const layer = tarOf([
      { type: "symlink", path: "out", linkPath: "/etc" },
      { type: "directory", path: "etc/" },
      [{ type: "file", path: "out/shim-escape" }, "x"],
      { type: "symlink", path: "up", linkPath: "../../../../../../tmp" },
      { type: "directory", path: "tmp/" },
      [{ type: "file", path: "up/shim-escape" }, "x"],
    ]);
    await collect(store.load(stream(dockerArchive({ tags: ["links:1"], layers: [layer] })), { quiet: true }));
    const root = `${fixture.dataRoot}/images/l`;
    const unpacked = readdirSync(root).find(name => readdirSync(`${root}/${name}`).includes("out")) ?? "";
    for (const path of ["etc/shim-escape", "tmp/shim-escape"])
      assert.equal(readFileSync(`${root}/${unpacked}/${path}`, "utf8"), "x");
    assert.equal(readdirSync("/etc").includes("shim-escape") || readdirSync("/tmp").includes("shim-escape"), false);
  });
});

/** Sixteen MiB of zeros in sixteen KiB. */
function layerBomb(): Buffer {
  return tarOf([[{ type: "file", path: "zeros" }, new Uint8Array(16 * 1024 * 1024)]]);
}
