import assert from "node:assert/strict";
import { parseListenTarget } from "../../../src/daemon/listen-targets.ts";

const NO_TLS = { isEnabled: false, isRefused: false, verifiesClients: false, ca: "", certificate: "", key: "" };

describe("parseListenTarget", () => {
  it("takes a unix socket", async () => {
    assert.deepEqual(await parseListenTarget("unix:///run/a.sock", { tls: NO_TLS, group: "" }), [
      { kind: "unix", path: "/run/a.sock", mode: 0o660, gid: 0 },
    ]);
  });

  it("takes TCP without TLS only when that was said", async () => {
    await assert.rejects(parseListenTarget("tcp://127.0.0.1:2375", { tls: NO_TLS, group: "" }), /--tls=false/);
    assert.deepEqual(await parseListenTarget("tcp://127.0.0.1", { tls: { ...NO_TLS, isRefused: true }, group: "" }), [
      { kind: "tcp", host: "127.0.0.1", port: 2375 },
    ]);
  });

  for (const host of ["ftp://x", "unix://relative", "nonsense", "tcp://["]) {
    it(`refuses ${host}`, async () => {
      await assert.rejects(parseListenTarget(host, { tls: { ...NO_TLS, isRefused: true }, group: "" }), /invalid bind address/);
    });
  }

  it("takes sockets that were handed over: all, or one by its number", async () => {
    const inherited = [
      { fd: 3, kind: "unix" },
      { fd: 4, kind: "tcp" },
    ] as const;
    const refused = { tls: { ...NO_TLS, isRefused: true }, group: "" };
    const numbers = async (host: string) =>
      (await parseListenTarget(host, refused, inherited)).map(target => target.kind === "inherited" && target.fd);
    assert.deepEqual([await numbers("fd://"), await numbers("fd://*"), await numbers("fd://4")], [[3, 4], [3, 4], [4]]);
    await assert.rejects(parseListenTarget("fd://5", refused, inherited), /failed to find systemd socket activation .*: 5/);
    await assert.rejects(parseListenTarget("fd://", refused), /no sockets found via socket activation/);
    await assert.rejects(parseListenTarget("fd://4", { tls: NO_TLS, group: "" }, inherited), /--tls=false/);
  });

  it("refuses TLS files and groups that are not there", async () => {
    const tls = { ...NO_TLS, isEnabled: true, certificate: "/nope/cert.pem", key: "/nope/key.pem" };
    await assert.rejects(parseListenTarget("tcp://127.0.0.1", { tls, group: "" }), /could not read TLS file \/nope/);
    await assert.rejects(
      parseListenTarget("unix:///run/a.sock", { tls: NO_TLS, group: "nobody-has-this" }),
      /group nobody-has-this not found/,
    );
  });
});
