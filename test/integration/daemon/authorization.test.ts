import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { createServer } from "node:http";
import { call, ok, until } from "../lab/lab.ts";
import { OwnDaemon } from "./own-daemon.ts";

const PLUGINS = "/run/docker/plugins"; // In memory and this test's own: the group runs with a /run of its own.

describe("--authorization-plugin", function () {
  this.timeout(60_000);

  it("is asked from the first request on, and no more after a reload without it", async () => {
    await using daemon = new OwnDaemon();
    daemon.writeConfig({ "authorization-plugins": ["policy"] });
    const flags = ["--config-file", daemon.configPath];
    mkdirSync(PLUGINS, { recursive: true });
    const uris: string[] = [];
    const plugin = createServer((request, response) => {
      let text = "";
      request.on("data", chunk => (text += chunk));
      request.on("end", () => {
        if (request.url === "/Plugin.Activate") return response.end('{"Implements": ["authz"]}');
        const { RequestUri } = JSON.parse(text) as { RequestUri: string };
        if (request.url === "/AuthZPlugin.AuthZReq") uris.push(RequestUri);
        return response.end(JSON.stringify({ Allow: !RequestUri.includes("/volumes"), Msg: "no volumes" }));
      });
    });
    await new Promise<void>(resolve => plugin.listen(`${PLUGINS}/policy.sock`, resolve));
    try {
      await daemon.start({ flags });
      const { Plugins } = await ok<{ Plugins: { Authorization: string[] } }>(daemon.host, "GET", "/info");
      assert.deepEqual(Plugins.Authorization, ["policy"]);
      const denied = await call(daemon.host, "POST", "/volumes/create", { body: { Name: "v" } });
      assert.deepEqual([denied.status, denied.body], [403, { message: "authorization denied by plugin policy: no volumes" }]);
      assert.ok(uris.includes("/_ping") && uris.includes("/volumes/create"));
      daemon.writeConfig({});
      daemon.signal("SIGHUP");
      await until("the reload has ended", 5_000, async () => daemon.logged("Reloaded configuration").length === 1);
      const count = uris.length;
      assert.deepEqual((await ok<{ Volumes: unknown[] }>(daemon.host, "GET", "/volumes")).Volumes, []); // None was made.
      assert.equal(uris.length, count);
    } finally {
      plugin.closeAllConnections();
      plugin.close();
    }
  });
});
