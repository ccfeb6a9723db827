import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { failpoint, FAILPOINTS, failpointNow, listenAtFailpoints } from "../../src/ports/failpoint.ts";

/** Calls after which something is different on the disk, in the kernel or in another process, by how they are written. */
const STEPS = /(?<![#\w])(?:rename|datasync|sync|syncFileSystem|spawn|spawner\.spawn)\(|exec\.run\(/g;
/** Programs that only read, and names that are methods of our own. */
const NOT_STEPS = [
  /^\s*syncFileSystem\(path: string\)/,
  /rename\(rotatedPath, this\.path\)/, // Takes a failed rotation back.
  /exec\.run\("(iptables-save|mountpoint|ip|ps)"/,
  /exec\.run\(path, \["(--version|features)"\]/,
  /index\.rename\(|async rename\(|#index\.rename\(/,
  /exec\.run\((path|runtime\.path), (args|\[\.\.\.common, "delete")/,
];
/** How far before a step its failpoint may be written. */
const REACH_CHARACTERS = 160;

const sources = ["src/engine", "src/system/ip-batch.ts", "src/system/archive/helper-process.ts"]
  .flatMap(path =>
    path.endsWith(".ts") ? [path] : readdirSync(path, { recursive: true, encoding: "utf8" }).map(name => `${path}/${name}`),
  )
  .filter(path => path.endsWith(".ts"))
  .map(path => ({ path, text: readFileSync(path, "utf8") }));

describe("failpoints", () => {
  afterEach(() => listenAtFailpoints(undefined));

  it("are at every sync, rename, mount and start of a program in the engine", () => {
    const bare = sources.flatMap(({ path, text }) =>
      [...text.matchAll(STEPS)]
        .filter(({ index }) => {
          const line = text.slice(text.lastIndexOf("\n", index) + 1, text.indexOf("\n", index));
          const before = text.slice(Math.max(0, index - REACH_CHARACTERS), index);
          return !/^\s*(\*|\/\/)/.test(line) && !/failpoint(Now)?\(/.test(before) && !NOT_STEPS.some(other => other.test(line));
        })
        .map(({ index }) => `${path}: ${text.slice(text.lastIndexOf("\n", index) + 1, text.indexOf("\n", index)).trim()}`),
    );
    assert.deepEqual(bare, []);
  });

  it("cost nothing and change nothing when nobody listens", async () => {
    assert.equal(await failpoint("images/blob.rename", async () => 1), 1);
    assert.equal(
      failpointNow("runtime/conmon.spawn", () => 2),
      2,
    );
  });

  it("are told before and after, and fail the step with what is thrown", async () => {
    const seen: string[] = [];
    listenAtFailpoints((name, moment) => {
      seen.push(`${moment} ${name}`);
      if (name === "images/layer.rename" && moment === "before") throw new Error("no");
    });
    await failpoint("images/blob.rename", async () => void seen.push("step"));
    await assert.rejects(
      failpoint("images/layer.rename", async () => void seen.push("never")),
      /no/,
    );
    assert.deepEqual(seen, ["before images/blob.rename", "step", "after images/blob.rename", "before images/layer.rename"]);
  });

  it("are listed in order, once each", () => {
    assert.deepEqual([...new Set(FAILPOINTS)].sort(), [...FAILPOINTS]);
  });
});
