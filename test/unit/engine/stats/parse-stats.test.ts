import assert from "node:assert/strict";
import { statFilesOf } from "../../../../src/engine/stats/cgroup-files.ts";
import {
  ownCgroup,
  parseBlkio,
  parseIoStat,
  parseNetDev,
  parseNumberFile,
  parseSystemCpu,
} from "../../../../src/engine/stats/parse-stats.ts";
import { usageOf } from "../../../../src/engine/stats/usage-of.ts";

const CONTEXT = { readAtMs: 5, system: { systemNs: 9, onlineCpus: 2 }, machineMemoryBytes: 1000 };

describe("statistics out of the kernel's files", () => {
  it("adds up the machine's processors without what a guest used, which is counted already", () => {
    const text = "cpu  1 2 3 4 5 6 7 8 9 10\ncpu0 1 1 1 1 1 1 1 1 1 1\ncpu1 0 0 0 0 0 0 0 0 0 0\nintr 5\n";
    assert.deepEqual(parseSystemCpu(text), { systemNs: 28e7, onlineCpus: 2 });
  });

  it("reads interfaces, not the loopback", () => {
    const line = (name: string) => `${name}: 1 2 3 4 0 0 0 0 5 6 7 8 0 0 0 0\n`;
    assert.deepEqual(parseNetDev(`Inter-| x\n face | y\n${line("    lo")}${line("  eth0")}`), {
      eth0: { rxBytes: 1, rxPackets: 2, rxErrors: 3, rxDropped: 4, txBytes: 5, txPackets: 6, txErrors: 7, txDropped: 8 },
    });
  });

  it("reads block devices of both cgroup versions", () => {
    assert.deepEqual(parseBlkio("8:0 Read 10\n8:0 Total 10\nTotal 10\n"), [
      { major: 8, minor: 0, operation: "Read", value: 10 },
      { major: 8, minor: 0, operation: "Total", value: 10 },
    ]);
    assert.deepEqual(parseIoStat("259:1 rbytes=3 wbytes=4 rios=1 wios=1 dbytes=0 dios=0\n"), [
      { major: 259, minor: 1, operation: "read", value: 3 },
      { major: 259, minor: 1, operation: "write", value: 4 },
    ]);
  });

  for (const { text, value } of [
    { text: "12\n", value: 12 },
    { text: "max\n", value: undefined },
    { text: "", value: undefined },
    { text: undefined, value: undefined },
  ]) {
    it(`takes ${JSON.stringify(text)} for ${value}`, () => assert.equal(parseNumberFile(text), value));
  }

  it("keeps to the container's own cgroup when its init moved below it", () => {
    assert.equal(ownCgroup("/shoal/abc123/init.scope", "abc123"), "/shoal/abc123");
    assert.equal(ownCgroup("/system.slice/docker-abc123.scope/x", "abc123"), "/system.slice/docker-abc123.scope");
    assert.equal(ownCgroup("/other", "abc123"), "/other");
  });

  it("finds v1's controllers apart, v2's together, and neither where there is none", () => {
    const options = { pid: 7, containerId: "abc", hasOwnNetwork: true };
    const v1 = statFilesOf("4:cpu,cpuacct:/c/abc\n3:memory:/m/abc/sub\n0::/\n", options);
    assert.equal(v1?.version, 1);
    assert.equal(v1?.paths["cpuTotal"], "/sys/fs/cgroup/cpuacct/c/abc/cpuacct.usage");
    assert.equal(v1?.paths["memoryUsage"], "/sys/fs/cgroup/memory/m/abc/memory.usage_in_bytes");
    const v2 = statFilesOf("0::/shoal/abc\n", options);
    assert.equal(v2?.version, 2);
    assert.deepEqual([v2?.paths["cpu"], v2?.paths["network"]], ["/sys/fs/cgroup/shoal/abc/cpu.stat", "/proc/7/net/dev"]);
    assert.equal(statFilesOf("1:name=systemd:/x\n", options), undefined);
  });

  it("caps the memory limit at what the machine has, and knows no limit of processes from max", () => {
    const usage = usageOf(1, { memoryLimit: "9223372036854771712", memoryUsage: "7", pids: "3", pidsLimit: "max" }, CONTEXT);
    assert.equal(usage.memory.limitBytes, 1000);
    assert.deepEqual(usage.pids, { current: 3 });
  });

  it("turns v2's microseconds and v1's clock ticks into nanoseconds", () => {
    const v2 = usageOf(2, { cpu: "usage_usec 5\nuser_usec 3\nsystem_usec 2\nnr_throttled 1\nthrottled_usec 4\n" }, CONTEXT);
    assert.deepEqual([v2.cpu.totalNs, v2.cpu.userNs, v2.cpu.kernelNs, v2.cpu.throttling.throttledNs], [5000, 3000, 2000, 4000]);
    const v1 = usageOf(1, { cpuTotal: "77\n", cpuModes: "user 2\nsystem 1\n", cpuEach: "70 7 \n" }, CONTEXT);
    assert.deepEqual([v1.cpu.totalNs, v1.cpu.userNs, v1.cpu.kernelNs], [77, 2e7, 1e7]);
    assert.deepEqual(v1.cpu.perCpuNs, [70, 7]);
  });

  it("leaves out what Docker does not show of v1's memory", () => {
    const usage = usageOf(1, { memoryDetails: "rss 5\ntotal_rss 6\nshmem 9\n" }, CONTEXT);
    assert.deepEqual(usage.memory.details, { rss: 5, total_rss: 6 });
  });
});
