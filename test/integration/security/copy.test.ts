import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { encodeMember, TAR_END } from "../../../src/lib/tar/writer.ts";
import { TestLab } from "../lab/lab.ts";
import { ask, busyboxTree, type Daemon, exec, importImage, send, startContainer } from "./world.ts";

const ROUNDS = 60;
const CUT_OFF = { status: 404, body: Buffer.alloc(0) };
/** Programs and libraries that an engine could be led to load from a container. */
const LURES = `for n in xz unxz gzip gunzip unpigz pigz bzip2 zstd unzstd tar cp chown id getent; do
    rm -f bin/$n; printf '#!/bin/busybox sh\\n/bin/busybox touch /lured /outside/lured\\n' >bin/$n; chmod 755 bin/$n; done
  mkdir -p lib/x86_64-linux-gnu etc usr; ln -s /bin usr/bin; ln -s /lib usr/lib
  for n in libnss_files.so.2 libnss_dns.so.2 libc.so.6 libgcc_s.so.1; do echo evil >lib/x86_64-linux-gnu/$n; done
  echo /lib/x86_64-linux-gnu/libnss_files.so.2 >etc/ld.so.preload; echo 'passwd: files evil' >etc/nsswitch.conf`;

function archiveOf(path: string, content: string): Buffer {
  return Buffer.concat([encodeMember({ type: "file", path }, Buffer.from(content)), TAR_END]);
}

describe("copying with a container that fights back", function () {
  this.timeout(60_000);
  let lab: TestLab;
  let daemon: Daemon;

  before(async () => {
    lab = await TestLab.up({ managers: 1, workers: 0, isEmpty: true });
    daemon = lab.host("m1");
    await importImage(daemon, { name: "busybox", archive: await busyboxTree() });
    await importImage(daemon, { name: "lures", archive: await busyboxTree(LURES) });
    await lab.sh("m1", "mkdir -p /run/outside; echo outside >/run/outside/secret");
  });
  after(() => lab?.[Symbol.asyncDispose]());

  const outside = async () => (await lab.sh("m1", "cd /run/outside; find . -type f | sort | xargs; cat secret")).trim();

  for (const isRunning of [true, false]) {
    it(`loads and runs nothing of ${isRunning ? "a running" : "a stopped"} container's to unpack, look up or pack`, async () => {
      const body = { Image: "lures", Cmd: ["/bin/busybox", "sleep", "1000"], User: "1000", HostConfig: { NetworkMode: "none" } };
      const id = isRunning
        ? await startContainer(daemon, body)
        : (await ask<{ Id: string }>(daemon, "POST /containers/create", { body })).Id;
      for (const [compressor, name] of [
        ["cat", "plain"],
        ["gzip", "gz"],
        ["xz", "xz"],
        ["bzip2", "bz2"],
        ["zstd", "zst"],
      ] as const) {
        const archive = execFileSync(compressor, compressor === "cat" ? [] : ["-c"], { input: archiveOf(name, "content") });
        for (const query of ["path=/tmp", "path=/tmp&copyUIDGID=1"])
          await ask(daemon, `PUT /containers/${id}/archive?${query}`, { body: archive });
        const { body: back } = await send(daemon, `GET /containers/${id}/archive?path=/tmp/${name}`);
        assert.match(back.toString("latin1"), /content/);
      }
      for (const request of [
        `GET /containers/${id}/export`,
        `GET /containers/${id}/changes`,
        `POST /commit?container=${id}&repo=c`,
      ])
        assert.ok((await send(daemon, request)).status < 300, request);
      assert.equal((await send(daemon, `GET /containers/${id}/archive?path=/lured`)).status, 404);
      assert.equal(existsSync("/outside/lured") || existsSync("/lured"), false);
      await ask(daemon, `DELETE /containers/${id}?force=1`);
    });
  }

  it(`stays inside while folders turn into links to the host's and back, ${ROUNDS} times each way`, async () => {
    const swap = `mkdir -p /d /e; echo inside >/d/secret; while :; do mv /d /away; ln -s /run/outside /d; rm -f /d; ln -s ../../../../../../run/outside /d; rm -rf /d; mv /away /d; done 2>/dev/null`;
    const id = await startContainer(daemon, { Cmd: ["sh", "-c", swap], HostConfig: { NetworkMode: "none" } });
    let copies = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const path = ["/d/secret", "/d/.", "/d"][round % 3] ?? "";
      // What is gone before it was read whole ends the answer.
      const { status, body } = await send(daemon, `GET /containers/${id}/archive?path=${path}`).catch(() => CUT_OFF);
      assert.doesNotMatch(body.toString("latin1"), /outside\n/);
      const target = ["/d", "/"][round % 2] ?? "";
      const put = await send(daemon, `PUT /containers/${id}/archive?path=${target}`, {
        body: archiveOf(target === "/" ? "d/secret" : "secret", "inside"),
      });
      assert.ok(
        [200, 400, 404].includes(status) && [200, 400, 404].includes(put.status),
        `${status} and ${put.status} ${put.body.toString()}`,
      );
      copies += status === 200 ? 1 : 0;
    }
    assert.ok(copies > 0, "no copy was ever let through: nothing was tested");
    assert.equal(await outside(), "./secret\noutside");
    await ask(daemon, `DELETE /containers/${id}?force=1`);
  });

  it("makes no place outside for a volume whose place is a link, in a copy to a container that never ran", async () => {
    await importImage(daemon, {
      name: "link",
      archive: await busyboxTree("ln -s /run/outside data; ln -s ../../../../../../run/outside up"),
    });
    const body = { Image: "link", Cmd: ["true"], HostConfig: { NetworkMode: "none", Binds: ["v1:/data/v", "v2:/up/w"] } };
    const { Id } = await ask<{ Id: string }>(daemon, "POST /containers/create", { body });
    await send(daemon, `PUT /containers/${Id}/archive?path=/data/v`, { body: archiveOf("f", "content") });
    await send(daemon, `GET /containers/${Id}/archive?path=/up/w`);
    await send(daemon, `POST /containers/${Id}/start`);
    assert.equal((await lab.sh("m1", "cd /run/outside; find . | sort | xargs")).trim(), ". ./secret");
    await ask(daemon, `DELETE /containers/${Id}?force=1&v=1`);
  });

  for (const [name, member] of [
    ["a name that climbs", { type: "file", path: "../../../../run/outside/secret" }],
    ["an absolute name", { type: "file", path: "/run/outside/secret" }],
    ["a hard link to the host", { type: "hard-link", path: "secret", linkPath: "/run/outside/secret" }],
    ["a hard link that climbs", { type: "hard-link", path: "secret", linkPath: "../../../../../../../run/outside/secret" }],
  ] as const) {
    it(`takes ${name} for one of the container's or refuses it`, async () => {
      const { Id } = await ask<{ Id: string }>(daemon, "POST /containers/create", { body: { Image: "busybox" } });
      const archive = Buffer.concat([encodeMember(member), TAR_END]);
      const { status } = await send(daemon, `PUT /containers/${Id}/archive?path=/tmp`, { body: archive });
      assert.ok([200, 400, 404].includes(status), String(status));
      const { body } = await send(daemon, `GET /containers/${Id}/archive?path=/tmp`);
      assert.doesNotMatch(body.toString("latin1"), /outside\n/);
      assert.equal(await outside(), "./secret\noutside");
      await ask(daemon, `DELETE /containers/${Id}?force=1`);
    });
  }

  it("takes a hard link to a file of the host's on the same disk for one of the container's or refuses it", async () => {
    const beside = join(dirname(lab.host("m1").socket), "secret");
    writeFileSync(beside, "outside\n");
    const { Id } = await ask<{ Id: string }>(daemon, "POST /containers/create", { body: { Image: "busybox" } });
    const archive = Buffer.concat([encodeMember({ type: "hard-link", path: "secret", linkPath: beside }), TAR_END]);
    const { status } = await send(daemon, `PUT /containers/${Id}/archive?path=/tmp`, { body: archive });
    assert.ok([200, 400, 404].includes(status), String(status));
    assert.equal(statSync(beside).nlink, 1);
    await ask(daemon, `DELETE /containers/${Id}?force=1`);
  });

  it("leaves owner and mode of a host's folder as they are when a file is copied into it", async () => {
    await lab.sh("m1", "mkdir -p /run/bound/f; chmod 751 /run/bound; chown 123:456 /run/bound; chmod 700 /run/bound/f");
    const id = await startContainer(daemon, { HostConfig: { NetworkMode: "none", Binds: ["/run/bound:/bound"] } });
    const folder = Buffer.concat([
      encodeMember({ type: "directory", path: "bound/", mode: 0o777, uid: 0, gid: 0 }),
      archiveOf("bound/new", "n"),
    ]);
    await ask(daemon, `PUT /containers/${id}/archive?path=/bound`, { body: archiveOf("new", "n") });
    assert.equal((await lab.sh("m1", "stat -c '%a %u:%g' /run/bound /run/bound/f | xargs")).trim(), "751 123:456 700 0:0");
    // What is said in so many words is done.
    await ask(daemon, `PUT /containers/${id}/archive?path=/`, { body: folder });
    assert.equal((await exec(daemon, id, { Cmd: ["cat", "/bound/new"] })).output, "n");
    await ask(daemon, `DELETE /containers/${id}?force=1`);
  });
});
