import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { remotePluginPrivileges } from "../../../../src/engine/plugins/remote-plugin.ts";
import type { Log } from "../../../../src/ports/log.ts";
import { type Reply, StandIn } from "../registry/stand-in.ts";

const NONE = { serverAddress: "", username: "", password: "", identityToken: "" };
const MANIFEST = "application/vnd.docker.distribution.manifest.v2+json";
const PLUGIN = "application/vnd.docker.plugin.v1+json";

const CONFIG = JSON.stringify({
  Description: "a plugin",
  Network: { Type: "host" },
  IpcHost: true,
  PidHost: true,
  Mounts: [{ Name: "state", Source: "/var/lib/state" }, { Name: "own", Source: null }, { Source: "" }],
  Linux: { Capabilities: ["CAP_SYS_ADMIN", "CAP_NET_ADMIN"], AllowAllDevices: true, Devices: [{ Path: "/dev/fuse" }, {}] },
});

function digestOf(text: string): string {
  return `sha256:${createHash("sha256").update(text).digest("hex")}`;
}

interface RepositoryOptions {
  readonly config?: string;
  readonly configType?: string;
  readonly manifestType?: string;
  /** What is given for the config. */
  readonly blob?: string;
}

/** A repository with one tag. */
function repository(options: RepositoryOptions = {}) {
  const { config = CONFIG, configType = PLUGIN, manifestType = MANIFEST } = options;
  const manifest = JSON.stringify({
    schemaVersion: 2,
    mediaType: manifestType,
    config: { mediaType: configType, digest: digestOf(config), size: config.length },
    layers: [],
  });
  const reply = ({ url = "" }: IncomingMessage): Reply => {
    if (url === "/v2/some/plugin/manifests/1.0" || url === `/v2/some/plugin/manifests/${digestOf(manifest)}`)
      return { status: 200, text: manifest, headers: { "Content-Type": manifestType } };
    if (url === `/v2/some/plugin/blobs/${digestOf(config)}`) return { status: 200, text: options.blob ?? config };
    return { status: url === "/v2/" ? 200 : 404 };
  };
  return { reply, digest: digestOf(manifest) };
}

describe("what a plugin in a registry needs", () => {
  let warnings: string[];
  beforeEach(() => (warnings = []));

  const log: Log = {
    debug: () => {},
    info: () => {},
    warn: ({ error }) => warnings.push(String(error)),
    error: () => {},
  };

  async function ask(remote: string, credentials = NONE) {
    const { signal } = new AbortController();
    const asked = await remotePluginPrivileges(remote, { credentials, insecure: [], signal, log });
    return asked.map(({ name, value }) => `${name}: ${value.join(" ")}`);
  }

  it("is told in Docker's order", async () => {
    await using registry = await StandIn.start(repository().reply);
    assert.deepEqual(await ask(`${registry.address}/some/plugin:1.0`), [
      "network: host",
      "host ipc namespace: true",
      "host pid namespace: true",
      "mount: /var/lib/state",
      "mount: ",
      "device: /dev/fuse",
      "allow-all-devices: true",
      "capabilities: CAP_SYS_ADMIN CAP_NET_ADMIN",
    ]);
    assert.deepEqual(warnings, []);
  });

  it("is read in whatever case it is written, by a digest too; its own networks need nothing", async () => {
    const { reply, digest } = repository({
      config: JSON.stringify({ network: { type: "bridge" }, ipchost: true, mounts: null }),
    });
    await using registry = await StandIn.start(reply);
    assert.deepEqual(await ask(`${registry.address}/some/plugin@${digest}`), ["host ipc namespace: true"]);
  });

  for (const credentials of [NONE, { ...NONE, username: "someone", password: "right" }]) {
    it(`is asked with a token, ${credentials === NONE ? "which anybody gets" : "for who has logged in"}`, async () => {
      const { reply } = repository();
      await using registry = await StandIn.start((request, _body, address) => {
        if (request.url?.startsWith("/token") === true) return { status: 200, json: { token: "t1" } };
        if (request.headers.authorization === "Bearer t1") return reply(request);
        const scope = "repository(plugin):some/plugin:pull";
        const challenge = `Bearer realm="http://${address}/token",service="here",scope="${scope}"`;
        return { status: 401, headers: { "WWW-Authenticate": challenge } };
      });
      assert.equal((await ask(`${registry.address}/some/plugin:1.0`, credentials)).length, 8);
      const tokens = registry.asked.filter(line => line.includes("/token"));
      const shown = credentials === NONE ? " -" : `&account=someone Basic ${Buffer.from("someone:right").toString("base64")}`;
      const query = "service=here&scope=repository%28plugin%29%3Asome%2Fplugin%3Apull&client_id=docker";
      assert.deepEqual(tokens, [`GET /token?${query}${shown}`]);
    });
  }

  it("is read where the registry keeps it, which is not shown the login", async () => {
    await using elsewhere = await StandIn.start(() => ({ status: 200, text: CONFIG }));
    const { reply } = repository();
    await using registry = await StandIn.start((request): Reply => {
      if (request.headers.authorization === undefined) return { status: 401, headers: { "WWW-Authenticate": 'Basic realm="x"' } };
      if (request.url?.includes("/blobs/") !== true) return reply(request);
      return { status: 307, headers: { Location: `http://${elsewhere.address}/kept?by=name` } };
    });
    assert.equal((await ask(`${registry.address}/some/plugin:1.0`, { ...NONE, username: "a", password: "b" })).length, 8);
    assert.deepEqual(elsewhere.asked, ["GET /kept?by=name -"]);
  });

  const UNREADABLE: readonly (readonly [string, RepositoryOptions, RegExp])[] = [
    [
      "is not what its digest says",
      { blob: CONFIG.replace("host", "none") },
      /^unexpected commit digest sha256:\w+, expected sha256:/,
    ],
    ["is no object", { config: "[]" }, /^invalid plugin config: expected an object$/],
    ["has a list of another type", { config: '{"Mounts":[1]}' }, /^invalid plugin config\.mounts\[0\]: expected an object$/],
  ];
  for (const [what, options, reason] of UNREADABLE) {
    it(`is unknown where the config ${what}, which is noted`, async () => {
      await using registry = await StandIn.start(repository(options).reply);
      assert.deepEqual(await ask(`${registry.address}/some/plugin:1.0`), []);
      assert.equal(warnings.length, 1);
      assert.match(warnings[0] ?? "", reason);
    });
  }

  it("is unknown where there is no registry, no plugin or no way in, which is noted", async () => {
    await using registry = await StandIn.start(repository().reply);
    assert.deepEqual(await ask("127.0.0.1:1/some/plugin"), []);
    assert.deepEqual(await ask(`${registry.address}/other/plugin`), []);
    await using closed = await StandIn.start(() => ({ status: 401, headers: { "WWW-Authenticate": 'Basic realm="x"' } }));
    assert.deepEqual(await ask(`${closed.address}/some/plugin:1.0`), []);
    assert.deepEqual(
      warnings.map(warning => warning.replaceAll(/127\.0\.0\.1:\d{2,}/g, "HOST")),
      [
        'Get "http://127.0.0.1:1/v2/": dial tcp 127.0.0.1:1: connect: connection refused',
        "unexpected status from GET request to http://HOST/v2/other/plugin/manifests/latest: 404 Not Found",
        "unexpected status from GET request to http://HOST/v2/some/plugin/manifests/1.0: 401 Unauthorized",
      ],
    );
  });

  it("stops where one place refers to the next for ever", async () => {
    await using registry = await StandIn.start(({ url }) =>
      url === "/v2/" ? { status: 200 } : { status: 302, headers: { Location: url ?? "" } },
    );
    assert.deepEqual(await ask(`${registry.address}/some/plugin`), []);
    assert.match(warnings[0] ?? "", /stopped after 5 redirects$/);
  });

  it("is an error for what is no plugin, and for a bad name", async () => {
    const name = "some/plugin:1.0";
    await using image = await StandIn.start(repository({ configType: "application/vnd.docker.container.image.v1+json" }).reply);
    await using list = await StandIn.start(repository({ manifestType: "application/vnd.oci.image.index.v1+json" }).reply);
    for (const { address } of [image, list]) {
      await assert.rejects(ask(`${address}/${name}`), {
        kind: "internal",
        message: `did not find plugin config for specified reference ${address}/${name}`,
      });
    }
    await assert.rejects(ask("Some Plugin"), { kind: "invalid" });
  });
});
