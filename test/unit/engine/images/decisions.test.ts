import assert from "node:assert/strict";
import { chainIds } from "../../../../src/engine/images/chain.ts";
import { selectImages, selectPrunable } from "../../../../src/engine/images/filters.ts";
import { globPattern } from "../../../../src/lib/glob.ts";
import { EMPTY_CONFIG } from "../../../../src/engine/images/empty-config.ts";
import { applyChanges } from "../../../../src/engine/images/import-changes.ts";
import { formatImageConfig, parseImageConfig } from "../../../../src/engine/images/image-config.ts";
import { familiarReference, parseReference } from "../../../../src/engine/images/reference.ts";
import { planRemoval } from "../../../../src/engine/images/removal.ts";
import { asId, type Digest } from "../../../../src/model/ids.ts";
import type { Image, ImageConfig } from "../../../../src/model/image.ts";

const idOf = (letter: string): Digest => asId<Digest>(`sha256:${letter.repeat(64)}`);

function anImage(letter: string, change: Partial<Image> = {}): Image {
  return {
    id: idOf(letter),
    tags: [],
    digests: [],
    parent: "",
    comment: "",
    author: "",
    createdAtMs: 0,
    architecture: "amd64",
    variant: "",
    os: "linux",
    sizeBytes: 0,
    diffIds: [],
    config: EMPTY_CONFIG,
    history: [],
    ...change,
  };
}

describe("planRemoval", () => {
  const a = "a".repeat(12);
  const stopped = { id: "1".repeat(64), isRunning: false };
  const running = { id: "2".repeat(64), isRunning: true };
  interface Case {
    readonly name: string;
    readonly reference: string;
    readonly tags: readonly string[];
    readonly users?: readonly { readonly id: string; readonly isRunning: boolean }[];
    readonly force?: boolean;
    readonly hasChildren?: boolean;
    readonly expected: { readonly untag: readonly string[]; readonly isDeleted: boolean } | string;
  }
  const both = { untag: ["x:1"], isDeleted: true };
  const cases: readonly Case[] = [
    { name: "the last name", reference: "x:1", tags: ["x:1"], expected: both },
    { name: "one of two names", reference: "x:1", tags: ["x:1", "y:1"], expected: { untag: ["x:1"], isDeleted: false } },
    { name: "the default tag", reference: "x", tags: ["x:latest", "x:1"], expected: { untag: ["x:latest"], isDeleted: false } },
    { name: "an id with one name", reference: a, tags: ["x:1"], expected: both },
    { name: "an id without a name", reference: idOf("a"), tags: [], expected: { untag: [], isDeleted: true } },
    {
      name: "an id with two names",
      reference: a,
      tags: ["x:1", "y:1"],
      expected: `conflict: unable to delete ${a} (must be forced) - image is referenced in multiple repositories`,
    },
    {
      name: "an id with two names by force",
      reference: a,
      tags: ["x:1", "y:1"],
      force: true,
      expected: { untag: ["x:1", "y:1"], isDeleted: true },
    },
    {
      name: "a name in use",
      reference: "x:1",
      tags: ["x:1"],
      users: [stopped],
      expected: `conflict: unable to remove repository reference "x:1" (must force) - container 111111111111 is using its referenced image ${a}`,
    },
    {
      name: "an id in use",
      reference: a,
      tags: ["x:1"],
      users: [stopped],
      expected: `conflict: unable to delete ${a} (must be forced) - image is being used by stopped container 111111111111`,
    },
    {
      name: "an id of a running container, by force",
      reference: a,
      tags: ["x:1"],
      users: [stopped, running],
      force: true,
      expected: `conflict: unable to delete ${a} (cannot be forced) - image is being used by running container 222222222222`,
    },
    { name: "an id in use, by force", reference: a, tags: ["x:1"], users: [stopped], force: true, expected: both },
    {
      name: "the name of a running container, by force",
      reference: "x:1",
      tags: ["x:1"],
      users: [running],
      force: true,
      expected: { untag: ["x:1"], isDeleted: false },
    },
    {
      name: "one with children",
      reference: a,
      tags: [],
      hasChildren: true,
      expected: `conflict: unable to delete ${a} (cannot be forced) - image has dependent child images`,
    },
    {
      name: "the last tag beside a digest",
      reference: "x:1",
      tags: ["x:1", `x@${idOf("d")}`],
      expected: { untag: ["x:1", `x@${idOf("d")}`], isDeleted: true },
    },
  ];
  for (const { name, reference, tags, users = [], force = false, hasChildren = false, expected } of cases) {
    it(`decides on ${name}`, () => {
      const plan = () =>
        planRemoval({ image: anImage("a"), names: tags.map(parseReference), reference, force, users, hasChildren });
      if (typeof expected === "string") assert.throws(plan, { kind: "conflict", message: expected });
      else assert.deepEqual({ ...plan(), untag: plan().untag.map(familiarReference) }, expected);
    });
  }
});

describe("selectImages", () => {
  const images = [
    anImage("a", { tags: ["x:1", "reg/y:2"], createdAtMs: 1_000, config: { ...EMPTY_CONFIG, labels: { k: "v" } } }),
    anImage("b", { createdAtMs: 2_000 }),
    anImage("c", { tags: ["z:1"], createdAtMs: 3_000, parent: idOf("d") }),
    anImage("d", { createdAtMs: 500 }),
  ];
  const context = {
    nowMs: 10_000,
    get: (name: string) => images.find(({ id, tags }) => id[7] === name || tags.includes(name)) ?? assert.fail(name),
  };
  const cases: readonly {
    readonly filters: Readonly<Record<string, readonly string[]>>;
    readonly all?: boolean;
    readonly ids: string;
  }[] = [
    { filters: {}, ids: "cba" },
    { filters: {}, all: true, ids: "cbad" },
    { filters: { dangling: ["true"] }, ids: "b" },
    { filters: { dangling: ["false"] }, all: true, ids: "cad" },
    { filters: { label: ["k"] }, ids: "a" },
    { filters: { label: ["k=v", "other"] }, ids: "" },
    { filters: { reference: ["reg/*"] }, ids: "a" },
    { filters: { reference: ["?:1"] }, ids: "ca" },
    { filters: { before: ["z:1"] }, ids: "ba" },
    { filters: { since: ["x:1"] }, ids: "cb" },
    { filters: { until: ["8s"] }, ids: "a" },
    { filters: { until: ["2"] }, ids: "a" },
  ];
  for (const { filters, all = false, ids } of cases) {
    it(`lists ${JSON.stringify(filters)}${all ? " of all" : ""}`, () => {
      assert.equal(
        selectImages(images, { all, filters, context })
          .map(({ id }) => id[7])
          .join(""),
        ids,
      );
    });
  }
  it("shows only the names that were asked for", () => {
    assert.deepEqual(selectImages(images, { all: false, filters: { reference: ["reg/y"] }, context })[0]?.tags, ["reg/y:2"]);
  });
  it("refuses filters that do not exist and values that are none", () => {
    assert.throws(() => selectImages(images, { all: false, filters: { color: ["red"] }, context }), {
      kind: "invalid",
      message: "invalid filter 'color'",
    });
    assert.throws(() => selectImages(images, { all: false, filters: { dangling: ["maybe"] }, context }), { kind: "invalid" });
  });
  it("prunes untagged ones, or all when asked", () => {
    const pruned = (filters: Readonly<Record<string, readonly string[]>>): string =>
      selectPrunable(images, { filters, context })
        .map(({ id }) => id[7])
        .join("");
    assert.deepEqual(
      [pruned({}), pruned({ dangling: ["false"] }), pruned({ dangling: ["false"], "label!": ["k"] })],
      ["b", "abc", "bc"],
    );
  });
  it("stops globs at slashes and does not explode", () => {
    const tried = [
      globPattern("a*").test("a/b"),
      globPattern("a/[b-c]").test("a/c"),
      globPattern(`${"*".repeat(500)}b`).test("a".repeat(5_000)),
    ];
    assert.deepEqual(tried, [false, true, false]);
    assert.throws(() => globPattern("[a"), { kind: "invalid" });
  });
});

describe("applyChanges", () => {
  const cases: readonly { readonly changes: readonly string[]; readonly config: Partial<ImageConfig> | string }[] = [
    { changes: ["CMD echo hi"], config: { cmd: ["/bin/sh", "-c", "echo hi"] } },
    { changes: ['entrypoint ["a", "b c"]'], config: { entrypoint: ["a", "b c"] } },
    { changes: ['ENV A=1 B="two words" C=\\"q\\"', "ENV A 2 3"], config: { env: ["A=2 3", "B=two words", 'C="q"'] } },
    {
      changes: ["ENV A=1", "ENV B=${A}x C=${Z:-d} D='$A' E=${A:+set}"],
      config: { env: ["A=1", "B=1x", "C=d", "D=$A", "E=set"] },
    },
    { changes: ["EXPOSE 80 53/udp 90-91"], config: { exposedPorts: ["53/udp", "80/tcp", "90/tcp", "91/tcp"] } },
    { changes: ["WORKDIR /a", "WORKDIR b/../c"], config: { workingDir: "/a/c" } },
    { changes: ['LABEL a=b "c d"="e f"'], config: { labels: { a: "b", "c d": "e f" } } },
    { changes: ['VOLUME ["/x"]', "VOLUME /y /x"], config: { volumes: ["/x", "/y"] } },
    {
      changes: ["USER 1000:1000", "STOPSIGNAL SIGUSR1", "ONBUILD RUN x"],
      config: { user: "1000:1000", stopSignal: "SIGUSR1", onBuild: ["RUN x"] },
    },
    {
      changes: ["HEALTHCHECK --interval=1m30s --retries=2 CMD curl x"],
      config: { healthcheck: { test: ["CMD-SHELL", "curl x"], intervalNs: 90e9, retries: 2 } },
    },
    {
      changes: ["ENV PORT=80", 'HEALTHCHECK CMD ["curl", "$PORT"]'], // Its words are the command's own.
      config: { env: ["PORT=80"], healthcheck: { test: ["CMD", "curl", "$PORT"] } },
    },
    { changes: ["HEALTHCHECK NONE"], config: { healthcheck: { test: ["NONE"] } } },
    { changes: ["FROM scratch"], config: "FROM is not a valid change command" },
    { changes: ["constructor x"], config: "constructor is not a valid change command" },
    { changes: ["ENV A"], config: "ENV must have two arguments" },
    { changes: ["CMD"], config: { cmd: ["/bin/sh", "-c"] } },
    { changes: ["USER"], config: "USER requires exactly one argument" },
    { changes: ["ENV A=1 \\", " B=2"], config: { env: ["A=1", "B=2"] } },
    { changes: ["RUN x"], config: "RUN is not a valid change command" },
    { changes: ["EXPOSE 70000"], config: "invalid containerPort: 70000" },
    { changes: ["ONBUILD ONBUILD x"], config: "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed" },
    {
      changes: ['ENV A="b'],
      config: 'failed to process "\\"b": unexpected end of statement while looking for matching double-quote',
    },
  ];
  for (const { changes, config } of cases) {
    it(`${typeof config === "string" ? "refuses" : "applies"} ${changes.join("; ")}`, () => {
      if (typeof config === "string")
        assert.throws(() => applyChanges(EMPTY_CONFIG, changes), { kind: "invalid", message: config });
      else assert.deepEqual(applyChanges(EMPTY_CONFIG, changes), { ...EMPTY_CONFIG, ...config });
    });
  }
});

describe("image configuration", () => {
  it("reads back what it wrote", () => {
    const config: ImageConfig = {
      user: "u",
      env: ["A=b"],
      entrypoint: ["e"],
      cmd: ["c"],
      volumes: ["/v"],
      workingDir: "/w",
      labels: { l: "m", __proto__x: "y" },
      stopSignal: "SIGINT",
      exposedPorts: ["1/tcp"],
      healthcheck: { test: ["CMD", "x"], intervalNs: 5, retries: 1 },
      shell: ["sh"],
      onBuild: ["RUN x"],
    };
    const history = [{ createdAtMs: 5_000, createdBy: "by", comment: "why", isEmptyLayer: true, author: "me" }];
    const image = {
      architecture: "arm64",
      variant: "v8",
      os: "linux",
      createdAtMs: 1_000,
      author: "me",
      config,
      diffIds: [idOf("a")],
      history,
    };
    assert.deepEqual(parseImageConfig(formatImageConfig(image)), { ...image, parent: "", comment: "why" });
  });
  it("takes nulls, Go's zero time and unknown fields for nothing", () => {
    const document = {
      created: "0001-01-01T00:00:00Z",
      config: { Cmd: null, Labels: null, ArgsEscaped: true },
      rootfs: { type: "layers", diff_ids: null },
      history: null,
    };
    const { createdAtMs, config, diffIds } = parseImageConfig(Buffer.from(JSON.stringify(document)));
    assert.deepEqual([createdAtMs, config, diffIds], [undefined, EMPTY_CONFIG, []]);
  });
  it("names chains as the specification does", () => {
    assert.deepEqual(chainIds([idOf("a"), idOf("b")]), [
      idOf("a"),
      "sha256:ccd722928bd92476ba1745586fed6e45a102504185ad88cd89e01ff116fd146c",
    ]);
  });
});
