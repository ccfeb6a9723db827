import assert from "node:assert/strict";
import { parseCgroupPaths } from "../../../../src/engine/runtime/cgroups.ts";
import { parseProcessStat } from "../../../../src/engine/runtime/process-stat.ts";

describe("parseProcessStat", () => {
  it("is not misled by the name", () => {
    const fields = Array.from({ length: 50 }, (_, index) => String(index + 4)).slice(1);
    assert.deepEqual(parseProcessStat(`42 (a) b (c) S 7 ${fields.join(" ")}\n`), {
      name: "a) b (c",
      state: "S",
      parentPid: 7,
      startTicks: 22,
    });
  });
  it("finds nothing in nothing", () => assert.equal(parseProcessStat(""), undefined));
});

describe("parseCgroupPaths", () => {
  it("reads v2", () => {
    const path = "/sys/fs/cgroup/shoal/c1";
    assert.deepEqual(parseCgroupPaths("0::/shoal/c1\n"), { version: 2, pids: path, memory: path, freezer: path, all: [path] });
  });
  it("reads v1, also beside a v2 tree", () => {
    const text = "9:name=systemd:/x\n5:freezer:/s/c1\n4:memory:/s/c1\n3:pids:/s/c1\n2:cpu,cpuacct:/s/c1\n0::/\n";
    assert.deepEqual(parseCgroupPaths(text), {
      version: 1,
      pids: "/sys/fs/cgroup/pids/s/c1",
      memory: "/sys/fs/cgroup/memory/s/c1",
      freezer: "/sys/fs/cgroup/freezer/s/c1",
      all: ["systemd/x", "freezer/s/c1", "memory/s/c1", "pids/s/c1", "cpu,cpuacct/s/c1", ""].map(
        place => `/sys/fs/cgroup/${place}`,
      ),
    });
  });
});
