import assert from "node:assert/strict";
import { checkResources } from "../../../../src/engine/runtime/oci/check-resources.ts";
import { planResources } from "../../../../src/engine/runtime/oci/resources.ts";
import type { HostConfig } from "../../../../src/model/container.ts";
import { aHostConfig } from "../../../integration/runtime/host-config.ts";
import { someFacts } from "./facts.ts";

const MIB = 1024 * 1024;

describe("planResources", () => {
  const cases: readonly {
    readonly when: string;
    readonly asked: Partial<HostConfig>;
    readonly is: object;
    readonly warns?: RegExp;
    readonly facts?: Parameters<typeof someFacts>[0];
  }[] = [
    { when: "nothing is asked for", asked: {}, is: {} },
    {
      when: "memory is limited: as much swap again",
      asked: { memoryBytes: 64 * MIB },
      is: { memory: { limit: 64 * MIB, swap: 128 * MIB } },
    },
    {
      when: "swap is unlimited",
      asked: { memoryBytes: 64 * MIB, memorySwapBytes: -1 },
      is: { memory: { limit: 64 * MIB, swap: -1 } },
    },
    {
      when: "swap cannot be limited",
      asked: { memoryBytes: 64 * MIB, memorySwapBytes: 65 * MIB },
      facts: { hasSwapLimit: false },
      is: { memory: { limit: 64 * MIB } },
      warns: /Memory limited without swap/,
    },
    { when: "half a processor is given", asked: { nanoCpus: 5e8 }, is: { cpu: { period: 100_000, quota: 50_000 } } },
    { when: "a hundredth of a processor is given", asked: { nanoCpus: 1e7 }, is: { cpu: { period: 100_000, quota: 1_000 } } },
    {
      when: "quota and period are given",
      asked: { cpuQuotaUs: 20_000, cpuPeriodUs: 50_000 },
      is: { cpu: { quota: 20_000, period: 50_000 } },
    },
    { when: "quota is unlimited", asked: { cpuQuotaUs: -1 }, is: { cpu: { quota: -1 } } },
    {
      when: "shares and processors are given",
      asked: { cpuShares: 512, cpusetCpus: "0-1", cpusetMems: "0" },
      is: { cpu: { shares: 512, cpus: "0-1", mems: "0" } },
    },
    { when: "shares are below the kernel's least", asked: { cpuShares: 1 }, is: { cpu: { shares: 2 } } },
    { when: "processes are limited", asked: { pidsLimit: 100 }, is: { pids: { limit: 100 } } },
    { when: "processes are unlimited", asked: { pidsLimit: -1 }, is: {} },
    {
      when: "the OOM killer is off on v1",
      asked: { oomKillDisable: true },
      facts: { cgroupVersion: 1 },
      is: { memory: { disableOOMKiller: true } },
      warns: /^OOM killer is disabled for the container, but no memory limit is set/,
    },
    { when: "the OOM killer is off on v2", asked: { oomKillDisable: true }, is: {}, warns: /OomKillDisable discarded/ },
    {
      when: "weights are not there",
      asked: { blkioWeight: 300 },
      facts: { hasBlkioWeight: false },
      is: {},
      warns: /Weight discarded/,
    },
  ];
  for (const { when, asked, is, warns, facts } of cases) {
    it(`is right when ${when}`, () => {
      const { resources, warnings } = planResources(aHostConfig(asked), { facts: someFacts(facts), nodes: [] });
      assert.deepEqual(resources, is);
      if (warns === undefined) assert.deepEqual(warnings, []);
      else assert.match(warnings.join("\n"), warns);
    });
  }

  it("finds the numbers of a throttled device, and refuses one that is not there", () => {
    const asked = aHostConfig({ blkioDeviceReadBps: [{ path: "/dev/sda", rate: 1000 }] });
    const node = { path: "/dev/sda", type: "b", major: 8, minor: 0, mode: 0o660, uid: 0, gid: 6 } as const;
    assert.deepEqual(planResources(asked, { facts: someFacts(), nodes: [node] }).resources, {
      blockIO: { throttleReadBpsDevice: [{ major: 8, minor: 0, rate: 1000 }] },
    });
    assert.throws(() => planResources(asked, { facts: someFacts(), nodes: [] }), {
      kind: "internal",
      message: "stat /dev/sda: no such file or directory",
    });
  });
});

describe("checkResources", () => {
  const refused: readonly { readonly asked: Partial<HostConfig>; readonly says: RegExp }[] = [
    { asked: { memoryBytes: 4 * MIB }, says: /^Minimum memory limit allowed is 6MB$/ },
    {
      asked: { memoryBytes: 64 * MIB, memorySwapBytes: 32 * MIB },
      says: /^Minimum memoryswap limit should be larger than memory limit, see usage$/,
    },
    { asked: { memorySwapBytes: 32 * MIB }, says: /^You should always set the Memory limit/ },
    { asked: { memorySwappiness: 101 }, says: /valid memory swappiness range is 0-100/ },
    { asked: { memoryBytes: 64 * MIB, memoryReservationBytes: 65 * MIB }, says: /can not be less than memory reservation limit/ },
    { asked: { nanoCpus: 5e9 }, says: /^range of CPUs is from 0.01 to 4.00, as there are only 4 CPUs available$/ },
    { asked: { nanoCpus: 1e9, cpuQuotaUs: 1_000 }, says: /^Conflicting options: Nano CPUs and CPU Quota cannot both be set$/ },
    { asked: { cpuPeriodUs: 10 }, says: /CPU cfs period/ },
    { asked: { cpuQuotaUs: 10 }, says: /CPU cfs quota/ },
    { asked: { cpuRealtimeRuntimeUs: 10 }, says: /real-time/ },
    { asked: { cpusetCpus: "0-9" }, says: /^Requested CPUs are not available - requested 0-9, available: 0-3$/ },
    { asked: { cpusetCpus: "a" }, says: /^Invalid value a for cpuset cpus: invalid format: a$/ },
    { asked: { blkioWeight: 5 }, says: /Range of blkio weight is from 10 to 1000/ },
  ];
  for (const { asked, says } of refused) {
    it(`refuses ${JSON.stringify(asked)}`, () => {
      assert.throws(() => checkResources(aHostConfig(asked), someFacts()), { kind: "invalid", message: says });
    });
  }
  it("takes what is in range", () => {
    checkResources(
      aHostConfig({ memoryBytes: 6 * MIB, nanoCpus: 4e9, cpusetCpus: "0,2-3", blkioWeight: 10, memorySwappiness: -1 }),
      someFacts(),
    );
  });
});
