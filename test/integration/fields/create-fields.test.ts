import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ALL_ROWS } from "../../fields/rows.ts";
import { type TrialHost, tryRow } from "../../fields/trial.ts";
import { OwnDaemon } from "../daemon/own-daemon.ts";
import { ask, busyboxTree, importImage, startContainer } from "../security/world.ts";

/** Most of a trial is waiting for processes. */
const LANES = 4;
const CDI = "/var/run/cdi/shoal-fields.json";

describe("every field of create, on a running engine", function () {
  this.timeout(120_000);
  const daemon = new OwnDaemon();
  const failed = new Map<string, Error>();
  let atFirst: readonly string[];
  let host: TrialHost;

  before(async () => {
    await daemon.start();
    const archive = await busyboxTree();
    await importImage(daemon.host, { name: "busybox", archive });
    await importImage(daemon.host, { name: "other", archive, changes: ['CMD ["sh"]', "ENV OTHER=1"] });
    await ask(daemon.host, "POST /images/other/tag?repo=busybox&tag=other");
    for (const [name, ...subnets] of [
      ["fields", "10.213.0.0/24", "fd00:213::/64"],
      ["a-fields", "10.213.1.0/24"],
    ] as const) {
      const Config = subnets.map(Subnet => ({ Subnet }));
      await ask(daemon.host, "POST /networks/create", { body: { Name: name, EnableIPv6: Config.length > 1, IPAM: { Config } } });
    }
    host = { socket: daemon.host.socket, execRoot: join(daemon.directory, "run"), words: await prepare(daemon) };
    atFirst = await everything(daemon);
    const rows = [...ALL_ROWS];
    const lane = async () => {
      for (let row = rows.shift(); row !== undefined; row = rows.shift()) {
        await tryRow(host, row).catch((error: Error) => failed.set(row?.path ?? "", error));
      }
    };
    await Promise.all(Array.from({ length: LANES }, lane));
  });
  after(async () => {
    rmSync(CDI, { force: true });
    await daemon[Symbol.asyncDispose]();
  });

  for (const { path, verdict } of ALL_ROWS) {
    it(`${path} is ${verdict}`, () => {
      const error = failed.get(path);
      if (error !== undefined) throw error;
    });
  }

  it("leaves nothing where it is refused", async () => {
    assert.deepEqual(await everything(daemon), atFirst);
  });
});

/** What `{folder}` and the like stand for. */
async function prepare(daemon: OwnDaemon): Promise<TrialHost["words"]> {
  const folder = join(daemon.directory, "folder");
  mkdirSync(join(folder, "sub"), { recursive: true });
  const disk = join(daemon.directory, "disk");
  const [block = ""] = readdirSync("/sys/block").filter(name => existsSync(`/sys/block/${name}/dev`));
  const [major = "", minor = ""] = readFileSync(`/sys/block/${block}/dev`, "utf8").trim().split(":");
  execFileSync("mknod", [disk, "b", major, minor]);
  mkdirSync("/var/run/cdi", { recursive: true });
  const devices = [{ name: "one", containerEdits: { env: ["CDI=one"] } }];
  writeFileSync(CDI, JSON.stringify({ cdiVersion: "0.6.0", kind: "shoal.test/field", devices }));
  const donor = await startContainer(
    daemon.host,
    {
      Cmd: ["sh", "-c", "mkdir -p /shared/sub; touch /shared/sub/file; exec sleep 1000"],
      HostConfig: { IpcMode: "shareable", Mounts: [{ Type: "volume", Source: "shared", Target: "/shared" }] },
    },
    "donor",
  );
  return { folder, disk, donor, cgroup: daemon.cgroup };
}

/** Containers, volumes, networks, and folders that the engine keeps of them. */
async function everything({ host, dataRoot }: OwnDaemon): Promise<readonly string[]> {
  const containers = await ask<readonly { Names: readonly string[] }[]>(host, "GET /containers/json?all=1");
  const { Volumes } = await ask<{ Volumes: readonly { Name: string }[] }>(host, "GET /volumes");
  const networks = await ask<readonly { Name: string }[]>(host, "GET /networks");
  return [
    ...containers.flatMap(({ Names }) => Names),
    ...Volumes.map(({ Name }) => `volume ${Name}`),
    ...networks.map(({ Name }) => `network ${Name}`),
    ...readdirSync(join(dataRoot, "containers")).map(name => `folder ${name}`),
  ].toSorted();
}
