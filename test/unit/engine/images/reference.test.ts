import assert from "node:assert/strict";
import { familiarReference, fullReference, parseReference, withDefaultTag } from "../../../../src/engine/images/reference.ts";

const DIGEST = `sha256:${"a".repeat(64)}`;

describe("image reference", () => {
  const cases: readonly { readonly text: string; readonly full: string; readonly familiar: string }[] = [
    { text: "busybox", full: "docker.io/library/busybox", familiar: "busybox" },
    { text: "busybox:1.36", full: "docker.io/library/busybox:1.36", familiar: "busybox:1.36" },
    { text: "docker.io/busybox", full: "docker.io/library/busybox", familiar: "busybox" },
    { text: "index.docker.io/library/busybox", full: "docker.io/library/busybox", familiar: "busybox" },
    { text: "own/app", full: "docker.io/own/app", familiar: "own/app" },
    { text: "library/a/b", full: "docker.io/library/a/b", familiar: "library/a/b" },
    { text: "localhost/a", full: "localhost/a", familiar: "localhost/a" },
    { text: "reg:5000/a/b:1", full: "reg:5000/a/b:1", familiar: "reg:5000/a/b:1" },
    { text: "reg.io/a__b/c-d.e_f:V1_2.3-x", full: "reg.io/a__b/c-d.e_f:V1_2.3-x", familiar: "reg.io/a__b/c-d.e_f:V1_2.3-x" },
    { text: "[::1]:5000/a", full: "[::1]:5000/a", familiar: "[::1]:5000/a" },
    { text: "HOST/a", full: "HOST/a", familiar: "HOST/a" },
    { text: `busybox:1@${DIGEST}`, full: `docker.io/library/busybox:1@${DIGEST}`, familiar: `busybox:1@${DIGEST}` },
  ];
  for (const { text, full, familiar } of cases) {
    it(`reads ${text}`, () => {
      const reference = parseReference(text);
      assert.deepEqual([fullReference(reference), familiarReference(reference)], [full, familiar]);
      assert.deepEqual(parseReference(familiar), reference);
    });
  }

  it("adds latest where neither tag nor digest is given", () => {
    const named = ["a", "a:1", `a@${DIGEST}`].map(text => familiarReference(withDefaultTag(parseReference(text))));
    assert.deepEqual(named, ["a:latest", "a:1", `a@${DIGEST}`]);
  });

  const invalid: readonly (readonly [string, string])[] = [
    ["", "invalid reference format"],
    [":", "invalid reference format"],
    ["a b", "invalid reference format"],
    ["a:", "invalid reference format"],
    ["a//b", "invalid reference format"],
    ["-a", "invalid reference format"],
    ["a___b", "invalid reference format"],
    ["a:tag:tag", "invalid reference format"],
    ["a@sha256:12", "invalid reference format"],
    [`a:${"t".repeat(129)}`, "invalid reference format"],
    ["../a", "invalid reference format"],
    ["Busybox", "invalid reference format: repository name (library/Busybox) must be lowercase"],
    ["reg.io/Own/a", "invalid reference format: repository name (Own/a) must be lowercase"],
    ["a".repeat(250), "repository name must not be more than 255 characters"],
    ["a".repeat(64), `invalid repository name (${"a".repeat(64)}), cannot specify 64-byte hexadecimal strings`],
  ];
  for (const [text, message] of invalid) {
    it(`refuses ${JSON.stringify(text.slice(0, 20))}`, () =>
      assert.throws(() => parseReference(text), { kind: "invalid", message }));
  }
});
