import assert from "node:assert/strict";
import { type Daemon, ask, busyboxTree, exec, importImage, runContainer, send, startContainer } from "../security/world.ts";
import { OwnDaemon } from "./own-daemon.ts";

const CHANGES = `mkdir -p /srv/deep && echo changed > /srv/deep/file && chown 5:6 /srv/deep/file && chmod 640 /srv/deep/file
  ln -s file /srv/deep/link && ln /srv/deep/file /srv/deep/twin && mkfifo /srv/pipe && mknod /srv/null c 1 3 && rm /etc/group && rm -r /opt/gone
  chmod 4755 /srv && touch -d @1000000000 /srv/deep/file && sync`;
/** Every file with what is known of it. Times of folders that a container itself changes are left out. */
const LISTING = `cd / && for f in $(find bin etc opt root srv tmp -xdev | sort); do
  stat -c '%n %F %a %u %g %t %T' $f; done; sha256sum srv/deep/file etc/passwd; readlink srv/deep/link; stat -c '%Y %h' srv/deep/file`;

const CONFIG = {
  Env: ["KEPT=yes"],
  WorkingDir: "/srv/deep",
  User: "5:6",
  Labels: { kept: "yes" },
  ExposedPorts: { "80/tcp": {} },
  Entrypoint: ["sh", "-c"],
  StopSignal: "SIGUSR1",
  Healthcheck: { Test: ["CMD", "true"], Interval: 60e9 },
};

describe("a container that moves to another daemon", function () {
  this.timeout(60_000);
  const [one, other] = [new OwnDaemon(), new OwnDaemon()];
  let listing: readonly string[];
  let config: unknown;

  before(async () => {
    await Promise.all([one.start(), other.start()]);
    const archive = await busyboxTree("mkdir -p opt/gone; echo old >opt/gone/file");
    await importImage(one.host, { name: "busybox", archive });
    const id = await startContainer(one.host, { ...CONFIG, Cmd: ["exec sleep 1000"] }, "box");
    const changed = await exec(one.host, id, { Cmd: ["sh", "-ec", CHANGES], User: "0" });
    assert.equal(changed.exitCode, 0, changed.output);
    listing = (await exec(one.host, id, { Cmd: ["sh", "-c", LISTING], User: "0" })).output.split("\n");
    assert.match(listing.join("\n"), /srv\/null character special file 6\d\d 0 0 1 3\n/);
    config = await configOf(one.host, "containers/box");
    await ask(one.host, "POST /commit?container=box&repo=moved", { body: {} });
  });
  after(async () => {
    await one[Symbol.asyncDispose]();
    await other[Symbol.asyncDispose]();
  });

  it("by commit, save and load has the same files and settings", async () => {
    const { body: saved } = await send(one.host, "GET /images/moved/get");
    const { status, body } = await send(other.host, "POST /images/load", { body: saved });
    assert.equal(status, 200, body.toString());
    assert.deepEqual((await runContainer(other.host, { Image: "moved", Cmd: [LISTING], User: "0" })).output.split("\n"), listing);
    await startContainer(other.host, { Image: "moved", Cmd: undefined }, "box");
    assert.deepEqual(await configOf(other.host, "containers/box"), config);
  });

  it("by export and import has the same files", async () => {
    const { body: exported } = await send(one.host, "GET /containers/box/export");
    await importImage(other.host, { name: "imported", archive: exported });
    assert.deepEqual(
      (await runContainer(other.host, { Image: "imported", Cmd: ["sh", "-c", LISTING] })).output.split("\n"),
      listing,
    );
  });
});

/** What a container was told, without what is its own. */
async function configOf(daemon: Daemon, path: string): Promise<unknown> {
  const { Config } = await ask<{ Config: Readonly<Record<string, unknown>> }>(daemon, `GET /${path}/json`);
  const { Hostname: _own, Image: _name, ...rest } = Config;
  return rest;
}
