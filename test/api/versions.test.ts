import assert from "node:assert/strict";
import { isRecord } from "../../src/api/wire/codec.ts";
import { Harness } from "./harness.ts";

/** What a version before and the version itself answer: keys that only the older shows, keys that only the newer shows. */
const CHANGES = [
  { path: "/containers/one/json", at: ["Config"], gone: ["OnBuild"], new: [] },
  { path: "/images/busybox/json", at: [], gone: ["Parent", "Comment", "DockerVersion", "Author"], new: [] },
  { path: "/images/busybox/json", at: ["Config"], gone: ["Entrypoint", "Labels", "User"], new: [] },
  { path: "/system/df?verbose=1", at: [], gone: ["LayersSize", "Images"], new: ["ImageUsage", "VolumeUsage"] },
] as const;

/** What 1.52 drops in Docker and stays here. */
const KEPT = [
  {
    path: "/containers/one/json",
    at: ["NetworkSettings"],
    keys: ["Bridge", "Gateway", "IPAddress", "IPPrefixLen", "MacAddress"],
  },
] as const;

describe("answers of version 1.52", () => {
  let harness: Harness;
  before(async () => {
    harness = await Harness.create();
    await harness.call("POST", "/containers/create?name=one", { body: { Image: "busybox", Cmd: ["sleep"] } });
  });
  after(() => harness[Symbol.asyncDispose]());

  async function keys(version: string, path: string, at: readonly string[]): Promise<readonly string[]> {
    let { json } = await harness.call("GET", `/v${version}${path}`);
    for (const key of at) json = isRecord(json) ? json[key] : undefined;
    assert.ok(isRecord(json), `${path} has no ${at.join(".")}`);
    return Object.keys(json);
  }

  for (const { path, at, keys: kept } of KEPT) {
    it(`${path} ${at.join(".")}: with ${kept.join(", ")}, whatever the version`, async () => {
      for (const version of ["1.51", "1.52", "1.56"]) {
        const shown = await keys(version, path, at);
        assert.deepEqual(
          kept.filter(key => !shown.includes(key)),
          [],
        );
      }
    });
  }

  for (const { path, at, gone, new: added } of CHANGES) {
    it(`${path} ${at.join(".")}: without ${gone.join(", ")}`, async () => {
      const [before, after] = [await keys("1.51", path, at), await keys("1.52", path, at)];
      assert.deepEqual(
        gone.filter(key => !before.includes(key)),
        [],
      );
      assert.deepEqual(
        gone.filter(key => after.includes(key)),
        [],
      );
      assert.deepEqual(
        added.map(key => [before.includes(key), after.includes(key)]),
        added.map(() => [false, true]),
      );
    });
  }
});
