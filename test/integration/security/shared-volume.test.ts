import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { FaultHost } from "../../faults/fault-host.ts";
import { ask, busyboxTree, exec, importImage, runContainer, startContainer } from "./world.ts";

const OFFLINE = { NetworkMode: "none" };
const CONTENT = `mkdir -p d/folder; echo image >d/file; echo image >d/folder/file; ln -s file d/link
  mkfifo d/pipe; chmod 640 d/file`;
const OWNERS =
  "chown 1:2 /d; chown 3:4 /d/file; ln /d/file /d/twin; chown -h 5:6 /d/link; chown 7:8 /d/folder; chmod 1775 /d; chmod 2750 /d/folder";

/** Not by chance: the daemon is held up between its look at the volume and what it does with it. */
describe("a volume that another container writes to while a container with it is made", function () {
  this.timeout(30_000);
  let host: FaultHost;
  let writer: string;

  before(async () => {
    host = await FaultHost.up();
    await importImage(host, { name: "busybox", archive: await busyboxTree() });
    await importImage(host, { name: "content", archive: await busyboxTree(CONTENT) });
    const id = await startContainer(host, { Image: "content", HostConfig: OFFLINE });
    await exec(host, id, { Cmd: ["sh", "-c", OWNERS] });
    await ask(host, `POST /commit?container=${id}&repo=content`);
    mkdirSync(host.inside("/run/outside/folder"), { recursive: true });
    for (const name of ["file", "folder/file"]) writeFileSync(host.inside(`/run/outside/${name}`), "the host's");
    writer = await startContainer(host, {
      HostConfig: { ...OFFLINE, Binds: ["first:/first", "second:/second", "third:/third"] },
    });
  });
  after(() => host?.[Symbol.asyncDispose]());

  async function sh(script: string): Promise<string> {
    const { exitCode, output } = await exec(host, writer, { Cmd: ["sh", "-c", script] });
    assert.equal(exitCode, 0, output);
    return output;
  }
  const fill = (volume: string) =>
    runContainer(host, { Image: "content", Cmd: ["true"], HostConfig: { ...OFFLINE, Binds: [`${volume}:/d`] } });

  it("gets what the image has at its place, whole", async () => {
    await fill("third");
    const list = `for f in . folder link pipe; do stat -c '%n %F %a %u:%g %Y' $f; done; readlink link
      for f in file folder/file twin; do stat -c '%n %F %a %u:%g %h %Y %s' $f; cat $f; done`;
    const { output } = await runContainer(host, { Image: "content", Cmd: ["sh", "-c", `cd /d; ${list}`], HostConfig: OFFLINE });
    assert.match(output, /^\. directory 1775 1:2/);
    assert.match(output, /^twin regular file 640 3:4 2 /m);
    assert.equal(await sh(`cd /third; ${list}`), output);
  });

  for (const [volume, plant, kind] of [
    ["first", "ln -s /run/outside/file /first/file; ln -s /run/outside/folder /first/folder", "absolute links"],
    ["second", `cd /second; for n in file folder; do ln -s ${"../".repeat(20)}run/outside/$n $n; done`, "links that climb"],
  ] as const) {
    it(`leads none of the image's files out of it by ${kind} that were put into it meanwhile`, async () => {
      host.arm({ name: "containers/volume-copy.spawn", moment: "before", action: "hold" });
      const ran = fill(volume);
      await host.awaitHold();
      await sh(plant);
      host.release();
      await ran;
      for (const name of ["file", "folder/file"])
        assert.equal(readFileSync(host.inside(`/run/outside/${name}`), "utf8"), "the host's");
    });
  }
});
