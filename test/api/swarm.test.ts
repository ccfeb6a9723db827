import assert from "node:assert/strict";
import { isRecord } from "../../src/api/wire/codec.ts";
import { Harness } from "./harness.ts";

const REQUEST_ID = "retry".padEnd(25, "0");
const WEB = { Name: "web", TaskTemplate: { ContainerSpec: { Image: "busybox:latest" } } };

describe("the swarm side of the API", () => {
  let harness: Harness;
  beforeEach(async () => {
    harness = await Harness.create();
    await harness.call("POST", "/swarm/init", { body: { ListenAddr: "0.0.0.0:2377" } });
  });
  afterEach(() => harness[Symbol.asyncDispose]());

  const calls = (kind: string) => harness.cluster.calls.filter(({ request }) => request.kind === kind);

  it("carries out a request once when its client tries again under its id", async () => {
    const headers = { "X-Shoal-Request-Id": REQUEST_ID };
    const first = await harness.call("POST", "/services/create", { body: WEB, headers });
    const again = await harness.call("POST", "/services/create", { body: WEB, headers });
    assert.deepEqual([again.status, again.json], [201, first.json]);
    assert.deepEqual(
      calls("create-service").map(({ requestId, mayRepeat }) => [requestId, mayRepeat]),
      [
        [REQUEST_ID, true],
        [REQUEST_ID, true],
      ],
    );
  });

  it("answers an update that is tried again as the first time, also when what it changed is removed by then", async () => {
    await harness.call("POST", "/services/create", { body: WEB });
    const { json } = await harness.call("GET", "/services/web");
    assert.ok(isRecord(json) && isRecord(json["Version"]));
    const path = `/services/web/update?version=${String(json["Version"]["Index"])}`;
    const update = () => harness.call("POST", path, { body: WEB, headers: { "X-Shoal-Request-Id": REQUEST_ID } });
    assert.equal((await update()).status, 200);
    await harness.call("DELETE", "/services/web");
    assert.equal((await update()).status, 200, "again");
  });

  it("makes an id of its own for every other request", async () => {
    await harness.call("POST", "/services/create", { body: WEB });
    const again = await harness.call("POST", "/services/create", { body: WEB });
    assert.equal(again.status, 409);
    const ids = calls("create-service").map(({ requestId }) => requestId);
    assert.equal(new Set(ids).size, 2);
    for (const id of ids) assert.match(id, /^[0-9a-z]{25}$/);
    assert.ok(calls("create-service").every(({ mayRepeat }) => mayRepeat === false));
  });

  it("refuses an id of another form", async () => {
    const reply = await harness.call("POST", "/services/create", { body: WEB, headers: { "X-Shoal-Request-Id": "x" } });
    assert.deepEqual([reply.status, calls("create-service").length], [400, 0]);
  });

  it("updates by name with the version that was read", async () => {
    await harness.call("POST", "/services/create", { body: WEB });
    const { json } = await harness.call("GET", "/services/web");
    assert.ok(isRecord(json) && isRecord(json["Version"]));
    const path = `/services/web/update?version=${String(json["Version"]["Index"])}`;
    assert.equal((await harness.call("POST", path, { body: { ...WEB, Labels: { a: "b" } } })).status, 200);
    assert.deepEqual((await harness.call("POST", path, { body: WEB })).json, { message: "update out of sequence" });
  });

  it("keeps replicas of 0", async () => {
    await harness.call("POST", "/services/create", { body: { ...WEB, Mode: { Replicated: { Replicas: 0 } } } });
    const { json } = await harness.call("GET", "/services/web");
    assert.ok(isRecord(json) && isRecord(json["Spec"]));
    assert.deepEqual(json["Spec"]["Mode"], { Replicated: { Replicas: 0 } });
  });

  it("shows the pool of addresses to whoever said nothing of one, and none to whoever said that there is none", async () => {
    const shown = async () => {
      const { json } = await harness.call("GET", "/swarm");
      return isRecord(json) ? json["DefaultAddrPool"] : json;
    };
    assert.deepEqual(await shown(), ["10.0.0.0/8"]);
    await harness.call("POST", "/swarm/leave?force=1");
    await harness.call("POST", "/swarm/init", { body: { ListenAddr: "0.0.0.0:2377", DefaultAddrPool: [] } });
    assert.equal(await shown(), null);
  });

  it("changes only what an update of the swarm says", async () => {
    const body = { Orchestration: { TaskHistoryRetentionLimit: 0 }, Labels: { a: "b" } };
    assert.equal((await harness.call("POST", "/swarm/update?version=2", { body })).status, 200);
    const [update] = calls("update-cluster");
    assert.ok(update?.request.kind === "update-cluster");
    const { taskHistoryLimit, labels, heartbeatPeriodNs, autoLockManagers } = update.request.spec;
    assert.deepEqual([taskHistoryLimit, labels, heartbeatPeriodNs, autoLockManagers], [0, { a: "b" }, 1e9, false]);
  });

  it("hears of external CAs as a whole, shows them, and refuses those that cannot be asked", async () => {
    const given = { Protocol: "CFSSL", URL: "https://ca.example/sign", CACert: "-----BEGIN CERTIFICATE-----" };
    const swarm = async () =>
      (await harness.call("GET", "/swarm")).json as {
        readonly Version: { readonly Index: number };
        readonly Spec: { readonly CAConfig: { readonly ExternalCAs?: unknown } };
      };
    const update = async (ca: object) =>
      harness.call("POST", `/swarm/update?version=${(await swarm()).Version.Index}`, { body: { CAConfig: ca } });
    const shown = async () => (await swarm()).Spec.CAConfig.ExternalCAs;
    for (const [wrong, message] of [
      [{ Protocol: "acme" }, 'invalid protocol: "acme"'],
      [{ Protocol: undefined }, 'invalid protocol: ""'],
      [{ Options: { label: "x" } }, "external CAs of protocol cfssl have no option label"],
      [{ URL: "http://ca.example" }, 'invalid external CA URL "http://ca.example": it must begin with https://'],
      [{ CACert: "x" }, "CA cert for external CA must be in PEM format"],
    ] as const) {
      const { status, json } = await update({ ExternalCAs: [{ ...given, ...wrong }] });
      assert.deepEqual([status, json], [400, { message }]);
    }
    assert.equal(calls("update-cluster").length, 0);
    assert.equal((await update({ ExternalCAs: [given] })).status, 200);
    assert.deepEqual(await shown(), [{ ...given, Protocol: "cfssl" }]);
    assert.equal((await update({})).status, 200);
    assert.equal(await shown(), undefined);
  });

  it("has this node keep its keys under a new unlock key before it answers, and only then", async () => {
    const index = async () => {
      const { json } = await harness.call("GET", "/swarm");
      assert.ok(isRecord(json) && isRecord(json["Version"]));
      return Number(json["Version"]["Index"]);
    };
    const adoptsWith = async (query: string, body: object) => {
      harness.cluster.adopted.length = 0;
      assert.equal((await harness.call("POST", `/swarm/update?version=${await index()}${query}`, { body })).status, 200);
      return harness.cluster.adopted.map(({ version }) => version);
    };
    assert.deepEqual(await adoptsWith("", { Labels: { a: "b" } }), []);
    const locked = { EncryptionConfig: { AutoLockManagers: true } };
    assert.deepEqual(await adoptsWith("", locked), [await index()]);
    assert.deepEqual(await adoptsWith("&rotateManagerUnlockKey=true", locked), [await index()]);
    assert.deepEqual(await adoptsWith("&rotateManagerToken=true", locked), []);
    assert.deepEqual(await adoptsWith("", {}), [await index()], "what is not said is off");
  });

  it("shows tasks of the newest spec alone when asked, and a job's with its iteration", async () => {
    await harness.call("POST", "/services/create", { body: { ...WEB, Mode: { ReplicatedJob: {} } } });
    const filters = encodeURIComponent('{"_up-to-date":{"true":true},"service":{"web":true}}');
    const { json } = await harness.call("GET", `/tasks?filters=${filters}`);
    assert.ok(Array.isArray(json) && json.length === 1 && isRecord(json[0]));
    assert.deepEqual(json[0]["JobIteration"], {});
    assert.deepEqual(
      calls("list-tasks").map(({ request }) => "filters" in request && request.filters),
      [{ service: ["web"] }],
    );
  });

  it("keeps a secret's data to itself and shows a config's", async () => {
    const body = { Name: "one", Data: Buffer.from("data").toString("base64") };
    await harness.call("POST", "/secrets/create", { body });
    await harness.call("POST", "/configs/create", { body });
    const secret = (await harness.call("GET", "/secrets/one")).text;
    assert.ok(!secret.includes(body.Data), secret);
    assert.ok((await harness.call("GET", "/configs/one")).text.includes(body.Data));
  });

  it("keeps which driver fills a template in, and refuses one that nobody knows, and drivers of secrets", async () => {
    const body = { Name: "template", Data: "eA==", Templating: { Name: "golang" } };
    for (const kind of ["secrets", "configs"]) {
      await harness.call("POST", `/${kind}/create`, { body });
      const { json } = await harness.call("GET", `/${kind}/template`);
      assert.deepEqual((json as { readonly Spec: object }).Spec, {
        Name: "template",
        Labels: {},
        ...(kind === "configs" && { Data: "eA==" }),
        Templating: { Name: "golang" },
      });
      const unknown = await harness.call("POST", `/${kind}/create`, { body: { ...body, Templating: { Name: "perl" } } });
      assert.deepEqual([unknown.status, unknown.json], [400, { message: 'unrecognized template type "perl"' }]);
    }
    const driven = await harness.call("POST", "/secrets/create", { body: { ...body, Driver: { Name: "vault" } } });
    assert.deepEqual([driven.status, driven.json], [400, { message: "SecretSpec.Driver is not supported by this engine" }]);
  });

  it("founds no swarm whose settings are refused, and leaves the one that was to be founded anew", async () => {
    harness.cluster.refusedSettings = "too short";
    const init = (body: object) =>
      harness.call("POST", "/swarm/init", {
        body: { ListenAddr: "0.0.0.0:2377", Spec: { CAConfig: { NodeCertExpiry: 1 } }, ...body },
      });
    const refused = [400, { message: "error updating cluster settings: too short" }] as const;
    const anew = await init({ ForceNewCluster: true });
    assert.deepEqual([anew.status, anew.json, harness.cluster.local.state], [...refused, "active"]);
    await harness.call("POST", "/swarm/leave?force=1");
    const { status, json } = await init({});
    assert.deepEqual([status, json, harness.cluster.local.state], [...refused, "inactive"]);
  });

  it("asks for managers to join by", async () => {
    await harness.call("POST", "/swarm/leave?force=1");
    const join = async (RemoteAddrs: readonly string[]) =>
      (await harness.call("POST", "/swarm/join", { body: { ListenAddr: "0.0.0.0:2377", RemoteAddrs } })).json;
    assert.deepEqual(await join([]), { message: "at least 1 RemoteAddr is required to join" });
    assert.deepEqual(await join(["10.0.0.1:2377", ""]), { message: 'invalid remoteAddr "": invalid empty address' });
  });

  it("refuses settings of the swarm that it does not have, and takes those that are as they are here", async () => {
    const update = (body: object) => harness.call("POST", "/swarm/update?version=11", { body });
    for (const [body, message] of [
      [{ TaskDefaults: { LogDriver: { Name: "syslog" } } }, "Spec.TaskDefaults is not supported by this engine"],
      [{ Raft: { ElectionTick: 20 } }, "RaftConfig.ElectionTick is not supported by this engine"],
      [{ Raft: { HeartbeatTick: 2 } }, "RaftConfig.HeartbeatTick is not supported by this engine"],
    ] as const) {
      const { status, json } = await update(body);
      assert.deepEqual([status, json], [400, { message }]);
    }
    const { json } = await harness.call("GET", "/swarm");
    const { Version, Spec } = json as { readonly Version: { readonly Index: number }; readonly Spec: { readonly Raft: object } };
    const Raft = { ...Spec.Raft, KeepOldSnapshots: 3 };
    const { status } = await harness.call("POST", `/swarm/update?version=${Version.Index}`, { body: { ...Spec, Raft } });
    assert.equal(status, 200);
    assert.deepEqual(((await harness.call("GET", "/swarm")).json as { readonly Spec: object }).Spec, { ...Spec, Raft });
  });

  it("knows the networks that every node has, by name and by id", async () => {
    const { json } = await harness.call("GET", "/networks/host?scope=swarm");
    const { Id, ...host } = json as { readonly Id: string };
    assert.deepEqual(host, { ...host, Name: "host", Scope: "swarm", Driver: "host" });
    assert.equal(((await harness.call("GET", `/networks/${Id}`)).json as { readonly Name: string }).Name, "host");
  });

  it("takes a name of the cluster's networks for what it says, not for the beginning of an id of this host's", async () => {
    const create = async (name: string, driver: string) => {
      const { json } = await harness.call("POST", "/networks/create", { body: { Name: name, Driver: driver } });
      return (json as { readonly Id: string }).Id;
    };
    const named = async (reference: string) => {
      const { status, json } = await harness.call("GET", `/networks/${reference}`);
      return status === 200 ? (json as { readonly Name: string }).Name : status;
    };
    const mine = await create("mine", "bridge");
    const short = mine.slice(0, 3);
    assert.equal(await named(short), "mine", "as long as nothing is called so");
    await create(short, "overlay");
    assert.deepEqual([await named(short), await named(mine.slice(0, 12)), await named(mine)], [short, "mine", "mine"]);
    await create("other", "bridge");
    assert.deepEqual([await named(short), await named(mine.slice(0, 12))], [short, 400], "two of this host's begin so");
    const shorter = short.slice(0, 2);
    await create(shorter, "overlay");
    assert.equal(await named(shorter), shorter);
    assert.equal((await harness.call("DELETE", `/networks/${short}`)).status, 204);
    assert.deepEqual(harness.engine.removedNetworks, [], "it was not of this host");
    assert.deepEqual([await named("mine"), await named("other"), await named(short)], ["mine", "other", 400]);
  });

  it("tells a worker from a node in no swarm", async () => {
    harness.cluster.local = { ...harness.cluster.local, isManager: false };
    const { status, json } = await harness.call("GET", "/nodes");
    assert.deepEqual(
      [status, json],
      [
        503,
        {
          message:
            "This node is not a swarm manager. Worker nodes can't be used to view or modify cluster state. Please run this command on a manager node or promote the current node to a manager.",
        },
      ],
    );
    const ping = await harness.call("GET", "/_ping");
    assert.deepEqual([ping.text, ping.headers["swarm"], ping.headers["api-version"]], ["OK", "active/worker", "1.56"]);
  });
});
