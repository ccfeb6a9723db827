import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { configSource, loadValues, toConfig } from "../../../src/daemon/config.ts";
import { parseConfigFile } from "../../../src/daemon/config/file.ts";
import { parseFlags } from "../../../src/daemon/config/flags.ts";

describe("parseFlags", () => {
  it("reads values, lists, maps and switches as dockerd does", () => {
    const flags = [
      "-H",
      "unix:///a",
      "--host=tcp://b",
      "--live-restore=false",
      "--debug",
      "-l",
      "warn",
      "--shutdown-timeout",
      "3",
    ];
    const more = [
      "--log-opt",
      "max-size=1m",
      "--log-opt",
      "max-file=2",
      "--add-runtime",
      "x=/bin/x",
      "--default-ulimit",
      "nofile=1:2",
    ];
    const pools = [
      "--default-address-pool",
      "base=10.0.0.0/8,size=24",
      "--default-shm-size",
      "1g",
      "--feature",
      "buildkit=false",
    ];
    assert.deepEqual(parseFlags([...flags, ...more, ...pools]), {
      host: ["unix:///a", "tcp://b"],
      "live-restore": false,
      debug: true,
      "log-level": "warn",
      "shutdown-timeout": 3,
      "log-opt": { "max-size": "1m", "max-file": "2" },
      "add-runtime": { x: { path: "/bin/x", args: [] } },
      "default-ulimit": { nofile: { name: "nofile", soft: 1, hard: 2 } },
      "default-address-pool": [{ base: "10.0.0.0/8", size: 24 }],
      "default-shm-size": 1024 ** 3,
      feature: { buildkit: false },
    });
  });
  const wrong = [
    { args: ["--nope"], message: /^unknown flag: --nope$/ },
    { args: ["-Z"], message: /^unknown shorthand flag: 'Z' in -Z$/ },
    { args: ["--host"], message: /^flag needs an argument: --host$/ },
    {
      args: ["--debug=maybe"],
      message: /^invalid argument "maybe" for "-D, --debug" flag: strconv\.ParseBool: parsing "maybe": invalid syntax$/,
    },
    {
      args: ["--shutdown-timeout=x"],
      message: /^invalid argument "x" for "--shutdown-timeout" flag: strconv\.ParseInt: parsing "x": invalid syntax$/,
    },
    { args: ["--default-ulimit=x"], message: /^invalid argument "x" for "--default-ulimit" flag: invalid ulimit argument: x$/ },
    { args: ["--default-shm-size=x"], message: /^invalid argument "x" for "--default-shm-size" flag: invalid size: 'x'$/ },
    { args: ["--ip=x"], message: /^invalid argument "x" for "--ip" flag: failed to parse IP: "x"$/ },
    { args: ["--add-runtime=x"], message: /^invalid argument "x" for "--add-runtime" flag: invalid runtime argument: x$/ },
    { args: ["--cri-containerd"], message: /^the option --cri-containerd is not supported: / },
    { args: ["stray"], message: /^unknown argument: stray$/ },
  ];
  for (const { args, message } of wrong)
    it(`refuses ${args.join(" ")}`, () => assert.throws(() => parseFlags(args), { message }));
});

const FAILED = "unable to configure the Docker daemon with file f: ";

describe("parseConfigFile", () => {
  it("reads daemon.json's own names", () => {
    const content = {
      hosts: ["unix:///a"],
      labels: ["a=b"],
      "live-restore": true,
      "default-ulimits": { nofile: { Name: "nofile", Soft: 1, Hard: 2 } },
      runtimes: { x: { path: "/x", runtimeArgs: ["-a"] } },
      proxies: { "http-proxy": "http://p" },
      debug: null,
    };
    assert.deepEqual(parseConfigFile(JSON.stringify(content), "f"), {
      host: ["unix:///a"],
      label: ["a=b"],
      "live-restore": true,
      "default-ulimit": { nofile: { name: "nofile", soft: 1, hard: 2 } },
      "add-runtime": { x: { path: "/x", args: ["-a"] } },
      "http-proxy": "http://p",
    });
  });
  const wrong = [
    { content: "{", says: "invalid JSON: unexpected end of JSON input" },
    { content: '{"debug": tru}', says: "invalid JSON: invalid character '}' in literal true (expecting 'e')" },
    { content: "[]", says: "invalid JSON: json: cannot unmarshal array into Go value of type map[string]interface {}" },
    { content: '{"nope": 1, "also": 2}', says: "the following directives don't match any configuration option: also, nope" },
    {
      content: '{"hosts": "unix:///a"}',
      says: "invalid JSON: json: cannot unmarshal string into Go struct field Config.hosts of type []string",
    },
    {
      content: '{"log-opts": {"max-size": 5}}',
      says: "invalid JSON: json: cannot unmarshal number into Go struct field Config.log-opts.max-size of type string",
    },
    { content: '{"dns": ["x"]}', says: "invalid JSON: invalid IP address: x" },
    { content: '{"default-shm-size": 123}', says: 'invalid JSON: invalid size: "123"' },
    { content: '{"http-proxy": "http://p"}', says: "the following directives don't match any configuration option: http-proxy" },
    {
      content: '{"default-gateway-v6": "fd00::1"}',
      says: "the option default-gateway-v6 is not supported: containers' way out is their network's bridge",
    },
  ];
  for (const { content, says } of wrong)
    it(`refuses ${content}`, () => assert.throws(() => parseConfigFile(content, "f"), { message: FAILED + says }));
});

describe("flags and daemon.json together", () => {
  let directory: string;
  before(() => (directory = mkdtempSync(join(tmpdir(), "shoal-config-"))));
  after(() => rmSync(directory, { recursive: true, force: true }));

  function load(content: string, ...args: readonly string[]) {
    const path = join(directory, "daemon.json");
    writeFileSync(path, content);
    return loadValues(configSource([...args, "--config-file", path]));
  }
  const merged = "merged configuration validation from file and command line flags failed: ";
  const twice = "the following directives are specified both as a flag and in the configuration file: ";
  const wrong = [
    {
      content: '{"hosts": ["unix:///a"]}',
      args: ["-H", "unix:///b"],
      says: `${twice}hosts: (from flag: [unix:///b], from file: [unix:///a])`,
    },
    {
      content: '{"labels": ["a=b"], "debug": false}',
      args: ["--label=x=y", "--debug"],
      says: `${twice}debug: (from flag: true, from file: false), labels: (from flag: [x=y], from file: [a=b])`,
    },
    {
      content: '{"log-opts": {"a": "b"}}',
      args: ["--log-opt=c=d"],
      says: `${twice}log-opts: (from flag: map[c:d], from file: map[a:b])`,
    },
    { content: '{"max-concurrent-downloads": -1}', args: [], says: `${merged}invalid max concurrent downloads: -1` },
    { content: '{"mtu": -1}', args: [], says: `${merged}invalid default MTU: -1` },
    { content: '{"log-level": "x"}', args: [], says: `${merged}invalid logging level: x` },
    { content: '{"labels": ["nolabel"]}', args: [], says: `${merged}bad attribute format: nolabel` },
    ...Object.entries({
      '["a=1=2"]': "incorrect term a=1=2, missing '=' or malformed expression",
      '["gpu"]': "incorrect term gpu, missing '=' or malformed expression",
      '["a=x", "gpu=-1"]': "cannot ask for negative resource gpu",
      '["gpu=one", "gpu=2"]': "mixed discrete and named resources in expression 'gpu=[one 2]'",
      '["gpu=1", "gpu=2"]': "mixed discrete and named resources in expression 'gpu=[1 2]'",
    }).map(([list, why]) => ({
      content: `{"node-generic-resources": ${list}}`,
      args: [],
      says: `${merged}could not parse GenericResource: ${why}`,
    })),
    {
      content: '{"default-ipc-mode": "host"}',
      args: [],
      says: `${merged}IPC mode "host" is not supported as default value; use "shareable" or "private"`,
    },
    { content: '{"dns-search": ["x y"]}', args: [], says: `${merged}x y is not a valid domain` },
    {
      content: '{"registry-mirrors": ["ftp://x"]}',
      args: [],
      says: `${merged}invalid mirror: unsupported scheme "ftp" in "ftp://x": must use either 'https://' or 'http://'`,
    },
    { content: '{"exec-opts": ["a=b"]}', args: [], says: `${merged}invalid exec-opt (a=b): unknown option: 'a'` },
    { content: '{"bip6": "x"}', args: [], says: `${merged}invalid CIDR address: x` },
    {
      content: '{"fixed-cidr-v6": "10.0.0.0/8"}',
      args: [],
      says: `${merged}invalid CIDR address: 10.0.0.0/8: an IPv6 address is wanted`,
    },
    {
      content: '{"features": {"containerd-snapshotter": true}}',
      args: [],
      says: `${merged}the feature containerd-snapshotter cannot be turned on: this engine has no such part`,
    },
  ];
  for (const { content, args, says } of wrong) {
    it(`refuses ${content} ${args.join(" ")}`, async () => {
      const message = `unable to configure the Docker daemon with file ${join(directory, "daemon.json")}: ${says}`;
      await assert.rejects(load(content, ...args), { message });
    });
  }

  it("refuses a file that was named and is not there", async () => {
    const path = join(directory, "missing.json");
    await assert.rejects(loadValues(configSource(["--config-file", path])), {
      message: `unable to configure the Docker daemon with file ${path}: open ${path}: no such file or directory`,
    });
  });

  it("adds the runtimes of both", async () => {
    const values = await load('{"runtimes": {"a": {"path": "/a"}}}', "--add-runtime", "b=/b");
    assert.deepEqual(Object.keys(toConfig(values).runtimes), ["a", "b"]);
  });
});
