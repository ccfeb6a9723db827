import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { OwnDaemon } from "../daemon/own-daemon.ts";
import { call, importBusybox, ok, until } from "../lab/lab.ts";
import { beginBuild, build, type BuildEnd, type ContextFiles, contextOf } from "./build-client.ts";

const SETTLE_MS = 10_000;
const MIB = 1024 * 1024;

interface ImageJson {
  readonly Id: string;
  readonly Parent: string;
  readonly RootFS: { readonly Layers?: readonly string[] };
}

describe("builds", function () {
  this.timeout(60_000);
  let daemon: OwnDaemon;

  before(async () => {
    daemon = new OwnDaemon();
    await daemon.start();
    await importBusybox([daemon.host]);
  });
  after(async () => daemon?.[Symbol.asyncDispose]());

  const run = (query: string, context: ContextFiles | Buffer): Promise<BuildEnd> => build(daemon.host.socket, query, context);
  const containers = () => ok<readonly { Id: string }[]>(daemon.host, "GET", "/containers/json?all=1");
  const inspect = (name: string) => ok<ImageJson>(daemon.host, "GET", `/images/${name}/json`);
  const hasNothingLeft = async (): Promise<boolean> =>
    (await containers()).length === 0 &&
    readdirSync(join(daemon.dataRoot, "build")).length === 0 &&
    readdirSync(join(daemon.dataRoot, "images/containers")).length === 0;

  async function succeeds(query: string, context: ContextFiles | Buffer): Promise<string> {
    const { error, text, status } = await run(query, context);
    assert.deepEqual({ status, error }, { status: 200, error: "" });
    return text;
  }

  describe("the context", () => {
    const files = { Dockerfile: "FROM busybox\nCOPY f /f\nRUN cat /f\n", f: "content of f\n" };
    for (const [how, pack] of [
      ["as it is", (tar: Buffer) => tar],
      ["by gzip", (tar: Buffer) => gzipSync(tar)],
      ["by bzip2", (tar: Buffer) => execFileSync("bzip2", ["-c"], { input: tar })],
      ["by xz", (tar: Buffer) => execFileSync("xz", ["-c"], { input: tar })],
      ["by zstd", (tar: Buffer) => execFileSync("zstd", ["-cq"], { input: tar })],
    ] as const) {
      it(`is taken ${how}`, async () => assert.match(await succeeds("nocache=1", pack(contextOf(files))), /content of f/));
    }

    it("is refused when it breaks off, and leaves nothing", async () => {
      const { status, error } = await run("", gzipSync(contextOf(files)).subarray(0, 100));
      assert.equal(status, 400);
      assert.match(error, /gzip: unexpected end of file/);
      assert.ok(await hasNothingLeft());
    });

    it("is refused when a name of it climbs out", async () => {
      const { status, error } = await run("", { "../out": "x", ...files });
      assert.equal(status, 400);
      assert.match(error, /leads outside/);
    });

    it("is no repository, whose address could be an option of git's (CVE-2019-13139)", async () => {
      const mark = join(daemon.directory, "pwned");
      for (const remote of [`git://x#--upload-pack=touch ${mark};`, `https://x/y.git#--upload-pack=touch ${mark};`]) {
        const { status, error } = await run(`remote=${encodeURIComponent(remote)}`, files);
        assert.deepEqual([status, error.includes("does not fetch the context of a build")], [400, true], error);
      }
      assert.equal(existsSync(mark), false);
    });

    it("is never left by a link in it", async () => {
      const away = { type: "symlink", linkPath: "/etc" } as const;
      const dockerfile = (source: string) => `FROM busybox\nCOPY ${source} /copied\nRUN cat /copied\n`;
      const inside = {
        away,
        "etc/hostname": "of the context\n",
        up: { type: "symlink", linkPath: "../../../../etc/hostname" } as const,
      };
      assert.match(await succeeds("nocache=1", { Dockerfile: dockerfile("away/hostname"), ...inside }), /of the context/);
      assert.match(await succeeds("nocache=1", { Dockerfile: dockerfile("up"), ...inside }), /of the context/);
      const { error } = await run("", { Dockerfile: dockerfile("away/passwd"), ...inside });
      assert.match(error, /stat away\/passwd: file does not exist$/);
      const outside = await run("dockerfile=away/passwd", inside);
      assert.deepEqual(outside.error, "Cannot locate specified Dockerfile: away/passwd");
    });
  });

  describe("what is copied", () => {
    it("stays in the image where that leads elsewhere by a link", async () => {
      const before = readdirSync(daemon.directory);
      const up = "../".repeat(20);
      const text = await succeeds("nocache=1", {
        Dockerfile: `FROM busybox\nRUN ln -s ${up}${daemon.directory.slice(1)} /trap && ln -s ${up}tmp/planted /file\nCOPY planted /trap/planted\nADD planted /file\nRUN cat /tmp/planted\n`,
        planted: "caught\n",
      });
      assert.match(text, /caught/);
      assert.deepEqual(readdirSync(daemon.directory), before);
    });

    for (const [how, pack] of [
      ["plain", (tar: Buffer) => tar],
      ["gzip", (tar: Buffer) => gzipSync(tar)],
      ["xz", (tar: Buffer) => execFileSync("xz", ["-c"], { input: tar })],
    ] as const) {
      it(`is unpacked by ADD from a ${how} archive, with its owners`, async () => {
        const inner = contextOf({ "d/f": { type: "file", uid: 12, gid: 34, mode: 0o640 } });
        const text = await succeeds("nocache=1", {
          Dockerfile: "FROM busybox\nADD a /new/\nCOPY a /archive\nRUN ls -ln /new/d; ls /archive\n",
          a: pack(inner),
        });
        assert.match(text, /-rw-r----- +1 12 +34 .* f\n/);
      });
    }

    it("is copied by ADD as it is where it only looks like an archive", async () => {
      const Dockerfile = "FROM busybox\nADD a b /new/\nRUN ls /new; zcat /new/a\n";
      assert.match(await succeeds("nocache=1", { Dockerfile, a: gzipSync("not a tar"), b: "" }), /a\nb\nnot a tar/);
    });

    it("is the layer, and nothing of the engine's own: also a folder that is empty", async () => {
      const folder = { type: "directory" } as const;
      await succeeds("t=made:scratch", {
        Dockerfile: "FROM scratch\nCOPY r /\n",
        "r/": folder,
        "r/proc/": folder,
        "r/etc/hosts": "mine\n",
      });
      const { RootFS } = await inspect("made:scratch");
      assert.equal(RootFS.Layers?.length, 1);
      const { Id } = await ok<{ Id: string }>(daemon.host, "POST", "/containers/create", { Image: "made:scratch", Cmd: ["x"] });
      const layers = join(daemon.dataRoot, "images/l");
      const mine = readdirSync(layers).filter(name => readdirSync(join(layers, name)).join() === "etc,proc");
      assert.equal(mine.length, 1);
      await ok(daemon.host, "DELETE", `/containers/${Id}`);
    });
  });

  describe("the cache", () => {
    const dockerfile = "FROM busybox\nRUN echo one >/one\nENV a=1\nRUN echo two >/two\n";

    it("is what images that were loaded say of themselves, where they are named", async () => {
      await succeeds("t=made:source", { Dockerfile: dockerfile });
      const { RootFS } = await inspect("made:source");
      const archive = execFileSync("curl", ["-s", "--unix-socket", daemon.host.socket, "http://x/images/made:source/get"], {
        maxBuffer: 64 * MIB,
      });
      await ok(daemon.host, "DELETE", "/images/made:source");
      execFileSync("curl", ["-s", "--unix-socket", daemon.host.socket, "--data-binary", "@-", "http://x/images/load"], {
        input: archive,
      });
      // One that is not named is no part of it, whatever it says that it was made by (CVE-2024-24557).
      assert.doesNotMatch(await succeeds("t=made:own", { Dockerfile: dockerfile }), /Using cache/);
      const from = encodeURIComponent(JSON.stringify(["made:source", "not:there"]));
      const text = await succeeds(`t=made:again&cachefrom=${from}`, { Dockerfile: `${dockerfile}RUN echo three\n` });
      assert.equal(text.match(/Using cache/g)?.length, 3);
      assert.deepEqual((await inspect("made:again")).RootFS.Layers?.slice(0, 3), RootFS.Layers);
      const without = await succeeds(`cachefrom=${encodeURIComponent('["not:there"]')}`, { Dockerfile: dockerfile });
      assert.doesNotMatch(without, /Using cache/);
    });

    it("outlives a restart of the daemon", async () => {
      await succeeds("t=made:kept", { Dockerfile: dockerfile });
      daemon.signal("SIGKILL");
      await daemon.stop();
      await daemon.start();
      assert.equal((await succeeds("t=made:kept2", { Dockerfile: dockerfile })).match(/Using cache/g)?.length, 3);
      assert.equal((await inspect("made:kept")).Id, (await inspect("made:kept2")).Id);
    });
  });

  it("go side by side on one context", async () => {
    const context = contextOf({ Dockerfile: "FROM busybox\nCOPY f /f\nRUN sleep 0.2; cat /f\nENV a=1\n", f: "same" });
    const ends = await Promise.all(Array.from({ length: 4 }, (_, index) => run(`t=made:side${index}`, context)));
    assert.deepEqual(
      ends.map(({ error }) => error),
      ["", "", "", ""],
    );
    assert.ok(await hasNothingLeft());
  });

  it("end when their client leaves, with what their step runs", async () => {
    const { outgoing, response } = await beginBuild(daemon.host.socket, "t=made:never", {
      Dockerfile: "FROM busybox\nRUN echo running; sleep 1000\n",
    });
    let told = "";
    for await (const chunk of response) if ((told += String(chunk)).includes('"running')) break;
    assert.equal((await containers()).length, 1);
    outgoing.destroy();
    await until("the build has left nothing", SETTLE_MS, hasNothingLeft);
    assert.equal((await call(daemon.host, "GET", "/images/made:never/json")).status, 404);
  });

  it("wait for a client that does not read, and take no memory for what it has not read", async () => {
    const { outgoing, response } = await beginBuild(daemon.host.socket, "", {
      Dockerfile: "FROM busybox\nRUN yes 0123456789012345678901234567890123456789 | head -c 2000000000\n",
    });
    const memoryBytes = () => Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${daemon.pid}/status`, "utf8"))?.[1]) * 1024;
    const before = memoryBytes();
    await until("the step is held back", SETTLE_MS, async () => (await containers()).length === 1);
    let most = 0;
    for (let look = 0; look < 20; look++) {
      most = Math.max(most, memoryBytes());
      await new Promise(resolve => setTimeout(resolve, 100));
    }
    assert.ok(most - before < 32 * MIB, `grew by ${(most - before) / MIB} MiB`);
    response.destroy();
    outgoing.destroy();
    await until("the build has left nothing", SETTLE_MS, hasNothingLeft);
  });

  it("keep a failed command's container, and take none of it along when the daemon starts anew", async () => {
    const { error, exitCode } = await run("", { Dockerfile: "FROM busybox\nRUN exit 5\n" });
    assert.deepEqual([error, exitCode], ["The command '/bin/sh -c exit 5' returned a non-zero code: 5", 5]);
    const [kept] = await containers();
    daemon.signal("SIGKILL");
    await daemon.stop();
    await daemon.start();
    assert.deepEqual(
      (await containers()).map(({ Id }) => Id),
      [kept?.Id],
    );
    await ok(daemon.host, "DELETE", `/containers/${kept?.Id}`);
  });

  it("leave no container of theirs to the daemon that comes after one that was killed", async () => {
    const { response } = await beginBuild(daemon.host.socket, "", {
      Dockerfile: "FROM busybox\nVOLUME /v\nRUN echo running; sleep 1000\n",
    });
    response.on("error", () => undefined);
    await until("the step runs", SETTLE_MS, async () => (await containers()).length === 1);
    daemon.signal("SIGKILL");
    await daemon.stop();
    await daemon.start();
    assert.ok(await hasNothingLeft());
    assert.deepEqual((await ok<{ Volumes: unknown }>(daemon.host, "GET", "/volumes")).Volumes, []);
  });

  it("stand on images that are not pruned under them", async () => {
    const { response } = await beginBuild(daemon.host.socket, "t=made:pruned", {
      Dockerfile: "FROM busybox\nRUN echo first >/first\nRUN sleep 1\nRUN cat /first\n",
    });
    let told = "";
    for await (const chunk of response) {
      if (told.includes("Step 3") || !(told += String(chunk)).includes("Step 3")) continue;
      await ok(daemon.host, "POST", "/images/prune");
    }
    assert.match(told, /Step 3/);
    assert.ok(await inspect("made:pruned"));
  });
});
