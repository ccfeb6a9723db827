import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { configSource, loadValues } from "../../../src/daemon/config.ts";
import { errorMessage } from "../../../src/lib/errors.ts";
import { skip } from "../../skip.ts";

const START_MS = 400_000;
const NO_REAL_ENGINE = 3;

/** What both are given: a daemon.json and flags. `undefined`: no file. */
type Case = readonly [file: string | undefined, ...flags: readonly string[]];

/** Each has the same outcome, in the same words. */
const SAME: readonly Case[] = [
  ["{}"],
  [""],
  ['{"hosts": ["unix:///a"]}', "-H", "unix:///b"],
  ['{"debug": true}', "--debug"],
  ['{"labels": ["a=b"], "debug": false}', "--label", "x=y", "--debug"],
  ['{"log-opts": {"a": "b"}}', "--log-opt", "c=d"],
  ['{"insecure-registries": ["a"]}', "--insecure-registry", "b"],
  ['{"storage-driver": "overlay2"}', "--storage-driver", "overlay2"],
  ['{"runtimes": {"a": {"path": "/a"}}}', "--add-runtime", "b=/b"],
  ["{"],
  ["[]"],
  ["7"],
  ['{"debug": tru}'],
  ['{"debug": true,}'],
  ["{'debug': true}"],
  ['{"debug": "x"}'],
  ['{"debug": null}'],
  ['{"hosts": "unix:///a"}'],
  ['{"shutdown-timeout": "5"}'],
  ['{"shutdown-timeout": -5}'],
  ['{"log-opts": {"max-size": 5}}'],
  ['{"features": {"buildkit": "x"}}'],
  ['{"nope": 1}'],
  ['{"labels": ["nolabel"]}'],
  ['{"labels": ["a=b", "c=d"]}'],
  ['{"max-concurrent-downloads": -1}'],
  ['{"max-concurrent-downloads": 0}'],
  ['{"max-concurrent-uploads": -2}'],
  ['{"max-download-attempts": -1}'],
  ['{"mtu": -1}'],
  ['{"default-ipc-mode": "host"}'],
  ['{"default-ipc-mode": "shareable"}'],
  ['{"default-cgroupns-mode": "x"}'],
  ['{"log-level": "x"}'],
  ['{"log-format": "x"}'],
  ['{"log-format": "json"}'],
  ['{"dns": ["x"]}'],
  ['{"dns": ["10.0.0.1"]}'],
  ['{"dns-search": ["x y"]}'],
  ['{"dns-search": ["example.org", "."]}'],
  ['{"ip": "x"}'],
  ['{"default-shm-size": "64M"}'],
  ['{"default-shm-size": 123}'],
  ['{"default-shm-size": "x"}'],
  ['{"default-address-pools": [{"base": "10.0.0.0/8", "size": 24}]}'],
  ['{"default-ulimits": {"nofile": {"Name": "nofile", "Hard": 20, "Soft": 10}}}'],
  ['{"registry-mirrors": ["x"]}'],
  ['{"registry-mirrors": ["ftp://x"]}'],
  ['{"registry-mirrors": ["https://mirror.example"]}'],
  ['{"exec-opts": ["a=b"]}'],
  ['{"exec-opts": ["native.cgroupdriver=cgroupfs"]}'],
  ['{"host-gateway-ips": ["10.0.0.1", "10.0.0.2"]}'],
  ['{"proxies": {"http-proxy": "http://p:3128", "no-proxy": "x"}}'],
  ['{"authorization-plugins": ["a", "a"]}'],
  ['{"live-restore": true, "bip": "10.9.0.1/24", "fixed-cidr": "10.9.0.0/25"}'],
  [undefined, "--debug=maybe"],
  [undefined, "--shutdown-timeout", "x"],
  [undefined, "--nope"],
  [undefined, "-Z"],
  [undefined, "--host"],
  [undefined, "--default-ulimit", "x"],
  [undefined, "--default-ulimit", "nofile=20:10"],
  [undefined, "--default-address-pool", "x"],
  [undefined, "--default-shm-size", "x"],
  [undefined, "--default-network-opt", "x"],
  [undefined, "--dns", "x"],
  [undefined, "--ip", "x"],
  [undefined, "--add-runtime", "x"],
  [undefined, "--feature", "x=y"],
  [undefined, "--label", "x"],
  [undefined, "--log-opt", "x"],
];

describe("dockerd's settings, checked by a real Docker Engine and by ours", function () {
  this.timeout(START_MS);
  let directory: string;
  let dockerd: string;

  before(function () {
    const { status, stderr } = spawnSync("bash", ["test/oracle/real-docker.sh", "install"], { encoding: "utf8" });
    if (status === NO_REAL_ENGINE) skip(this, stderr.trim());
    assert.equal(status, 0, stderr);
    const { stdout } = spawnSync("bash", ["test/oracle/real-docker.sh", "client"], { encoding: "utf8" });
    dockerd = resolve(dirname(stdout.trim()), "../sbin/dockerd");
    directory = mkdtempSync(join(tmpdir(), "shoal-config-"));
  });
  after(() => directory !== undefined && rmSync(directory, { recursive: true, force: true }));

  const pathOf = (index: number) => join(directory, `${index}.json`);
  const flagsOf = (index: number, [file, ...flags]: Case) =>
    file === undefined ? flags : [...flags, "--config-file", pathOf(index)];

  /** Its complaint; empty when it has none. */
  function askReal(flags: readonly string[]): Promise<string> {
    return new Promise(done => {
      const env = { ...process.env, PATH: `${dirname(dockerd)}:${process.env["PATH"]}` }; // Where it finds its proxy.
      execFile(dockerd, ["--validate", ...flags], { env }, (error, _stdout, stderr) => {
        const [first = ""] = stderr.split("\n").filter(line => !/level=|configuration OK/.test(line));
        done(error === null ? "" : first.replace(/^Status: /, ""));
      });
    });
  }
  async function askOurs(flags: readonly string[]): Promise<string> {
    try {
      await loadValues(configSource(flags));
      return "";
    } catch (error) {
      return errorMessage(error);
    }
  }

  it(`says the same of ${SAME.length} of them`, async () => {
    const differing: unknown[] = [];
    for (const [index, given] of SAME.entries()) {
      const [file] = given;
      if (file !== undefined) writeFileSync(pathOf(index), file);
      const flags = flagsOf(index, given);
      const [real, ours] = await Promise.all([askReal(flags), askOurs(flags)]);
      if (real !== ours) differing.push({ given, real, ours });
    }
    assert.deepEqual(differing, []);
  });
});
