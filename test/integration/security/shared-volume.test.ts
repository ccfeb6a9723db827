import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { FaultHost } from "../../faults/fault-host.ts";
import { ask, busyboxTree, exec, importImage, type Outcome, runContainer, startContainer } from "./world.ts";

const OFFLINE = { NetworkMode: "none" };
const CONTENT = `mkdir -p d/folder; echo image >d/file; echo image >d/folder/file; ln -s file d/link
  mkfifo d/pipe; chmod 640 d/file; ln -s /proc p; ln -s /proc/self/attr a`;
const OWNERS =
  "chown 1:2 /d; chown 3:4 /d/file; ln /d/file /d/twin; chown -h 5:6 /d/link; chown 7:8 /d/folder; chmod 1775 /d; chmod 2750 /d/folder";
/** Of the whole machine, and of no consequence. */
const SETTING = "/proc/sys/vm/stat_interval";
/** Where another container leads a mount. */
const LED_TO = ["/proc", "/proc/sys", "/proc/self/attr", "/sys/kernel", "/dev", "/dev/pts"];
const LOOKED_AT_TWICE = ["/proc/self/attr", "/dev"];
/** What is a link to that setting in a volume that is all of /dev. */
const DEVICES = ["null", "console", "ptmx"];
const RACES = 12;
const AT_ONCE = 4;

/** Where it can be, not by chance: the daemon is held up between its look at the volume and what it does with it. */
describe("a volume that another container writes to while a container with it is made", function () {
  this.timeout(30_000);
  const setting = readFileSync(SETTING, "utf8");
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
    const volumes = ["first", "second", "third", "shared", ...DEVICES.map(name => `dev-${name}`)];
    writer = await startContainer(host, { HostConfig: { ...OFFLINE, Binds: volumes.map(name => `${name}:/${name}`) } });
    await sh("mkdir /shared/sub; echo own >/shared/sub/own; ln -s /proc/sys/net /shared/settings");
    await sh(LED_TO.map((target, index) => `ln -s ${target} /shared/link${index}`).join("; "));
    await sh(DEVICES.map(name => `ln -s ${SETTING} /dev-${name}/${name}`).join("; "));
  });
  after(async () => {
    await host?.[Symbol.asyncDispose]();
    writeFileSync(SETTING, setting);
  });

  async function sh(script: string): Promise<string> {
    const { exitCode, output } = await exec(host, writer, { Cmd: ["sh", "-c", script] });
    assert.equal(exitCode, 0, output);
    return output;
  }

  describe("and is filled from its image", () => {
    const fill = (volume: string) =>
      runContainer(host, { Image: "content", Cmd: ["true"], HostConfig: { ...OFFLINE, Binds: [`${volume}:/d`] } });

    it("gets what the image has at its place, whole", async () => {
      await fill("third");
      const list = `for f in . folder link pipe; do stat -c '%n %F %a %u:%g %Y' $f; done; readlink link
        for f in file folder/file twin; do stat -c '%n %F %a %u:%g %h %Y %s' $f; cat $f; done`;
      const { output } = await runContainer(host, {
        ...{ Image: "content", Cmd: ["sh", "-c", `cd /d; ${list}`], HostConfig: OFFLINE },
      });
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

  describe("and has a part of it", () => {
    const mount = { Type: "volume", Source: "shared", Target: "/mnt", VolumeOptions: { Subpath: "sub" } };
    const reader = { Cmd: ["ls", "/mnt"], HostConfig: { ...OFFLINE, Mounts: [mount] } };

    for (const [kind, target] of [
      ["an absolute link", "/run/outside"],
      ["a link that climbs", `${"../".repeat(20)}run/outside`],
    ] as const) {
      it(`is what it was when it was looked at, though it has become ${kind} to the host's by the time it is mounted`, async () => {
        host.arm({ name: "containers/bundle.write", moment: "after", action: "hold" });
        const ran = runContainer(host, reader);
        await host.awaitHold();
        await sh(`mv /shared/sub /shared/away; ln -s ${target} /shared/sub`);
        host.release();
        const { output, isRefused } = await ran;
        await sh("rm /shared/sub; mv /shared/away /shared/sub");
        assert.deepEqual({ output, isRefused }, { output: "own\n", isRefused: false });
      });

      it(`is not there when it is ${kind} to the host's from the beginning`, async () => {
        await sh(`mv /shared/sub /shared/away; ln -s ${target} /shared/sub`);
        const { output, isRefused } = await runContainer(host, reader);
        await sh("rm /shared/sub; mv /shared/away /shared/sub");
        assert.ok(isRefused, output);
        assert.match(output, /path concatenation escapes the base directory/);
      });
    }

    it("is mounted nowhere once its containers are gone", () => {
      assert.deepEqual(readdirSync(host.inside("/run/shoal/held")), []);
    });
  });

  /** What a container reaches of the kernel when its mounts were led elsewhere. */
  for (const Runtime of ["crun", "runc"]) {
    describe(`and has another mount in it, with ${Runtime}`, () => {
      const run = (body: object, hostConfig: object): Promise<Outcome> =>
        runContainer(host, { Cmd: ["echo", "it ran"], ...body, HostConfig: { ...OFFLINE, Runtime, ...hostConfig } });
      const nested = (place: string) => ({ Binds: ["shared:/shared", `other:/shared/${place}`] });

      for (const [index, target] of LED_TO.entries()) {
        if (Runtime === "runc" && !LOOKED_AT_TWICE.includes(target)) continue;
        it(`is not started when the other's place is a link to ${target}`, async () => {
          const { output, isRefused } = await run({}, nested(`link${index}`));
          assert.ok(isRefused, output);
          assert.match(output, /cannot be mounted because it is (inside \/|not of type proc)|is not what it should be/);
        });
      }

      it("is not started when a link of its image leads a volume to /proc", async () => {
        const places = ["/p", "/a"].map(place => run({ Image: "content" }, { Binds: [`other:${place}`] }));
        for (const { output, isRefused } of await Promise.all(places)) {
          assert.ok(isRefused, output);
          assert.match(output, /cannot be mounted because it is (inside \/proc|not of type proc)/);
        }
      });

      it("sets no setting of the host's in place of its own, by a link for settings", async () => {
        const own = host.inNetwork("cat", "/proc/sys/net/core/somaxconn");
        const { output, isRefused } = await run({}, { ...nested("settings"), Sysctls: { "net.core.somaxconn": "77" } });
        assert.ok(isRefused, output);
        assert.equal(host.inNetwork("cat", "/proc/sys/net/core/somaxconn"), own);
      });

      it("is given no setting of the host's for a device, when all of /dev is another's", async () => {
        const writes =
          "for f in /proc/kcore /proc/keys /proc/timer_list /proc/interrupts /dev/console /dev/null; do echo 7 >$f; done 2>/dev/null";
        for (const Tty of [false, true])
          await Promise.all(DEVICES.map(name => run({ Tty, Cmd: ["sh", "-c", writes] }, { Binds: [`dev-${name}:/dev`] })));
        assert.equal(readFileSync(SETTING, "utf8"), setting);
      });
    });
  }

  it(`is confined or not started while the place changes under it, ${RACES} times`, async () => {
    const swap =
      "while :; do ln -s /proc /shared/x; rm -f /shared/x; ln -s /proc/sys /shared/x; rm -f /shared/x; mkdir /shared/x; rmdir /shared/x; done 2>/dev/null";
    const racer = await startContainer(host, {
      Cmd: ["sh", "-c", swap],
      HostConfig: { ...OFFLINE, Binds: ["shared:/shared"] },
    });
    const script = `grep -q '^proc /proc proc ' /proc/mounts && ! (echo 7 >${SETTING}) 2>/dev/null && echo confined`;
    const outcomes: Outcome[] = [];
    for (let count = 0; count < RACES; count += AT_ONCE)
      outcomes.push(
        ...(await Promise.all(
          Array.from({ length: AT_ONCE }, () =>
            runContainer(host, {
              Cmd: ["sh", "-c", script],
              HostConfig: { ...OFFLINE, Binds: ["shared:/shared", "other:/shared/x"] },
            }),
          ),
        )),
      );
    await ask(host, `DELETE /containers/${racer}?force=1`);
    await sh("rm -rf /shared/x");
    for (const { output, isRefused } of outcomes) assert.ok(isRefused || output === "confined\n", output);
    assert.equal(readFileSync(SETTING, "utf8"), setting);
  });

  it("still runs what nobody leads anywhere", async () => {
    const { output } = await runContainer(host, {
      ...{ Cmd: ["ls", "/shared/sub"], HostConfig: { ...OFFLINE, Binds: ["shared:/shared", "other:/shared/place"] } },
    });
    assert.equal(output, "own\n");
  });
});
