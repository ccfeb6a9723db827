import assert from "node:assert/strict";
import { cpuPercent, memoryBytes, statsColumns } from "../../../src/cli/commands/container/stats-row.ts";
import type { Json } from "../../../src/cli/context.ts";
import { renderListing } from "../../../src/cli/format/table.ts";

const sample = (used: number, system: number) => ({
  cpu_usage: { total_usage: used, percpu_usage: [0, 0, 0] },
  system_cpu_usage: system,
});
const stats: Json = {
  id: "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
  name: "/web",
  cpu_stats: { ...sample(300, 2_000), online_cpus: 2 },
  precpu_stats: sample(100, 1_000),
  memory_stats: { usage: 3 * 1024 * 1024, limit: 8 * 1024 * 1024, stats: { total_inactive_file: 1024 * 1024, inactive_file: 7 } },
  pids_stats: { current: 4 },
  networks: { eth0: { rx_bytes: 1_000, tx_bytes: 2 }, eth1: { rx_bytes: 500, tx_bytes: 3 } },
  blkio_stats: {
    io_service_bytes_recursive: [
      { op: "Read", value: 4_096 },
      { op: "write", value: 1_000_000 },
      { op: "Total", value: 9 },
    ],
  },
};

describe("rows of stats", () => {
  it("are what Docker's CLI makes of the same answer", () => {
    const shown = renderListing([{ container: "web", stats }], statsColumns({ isWhole: false }), {});
    assert.deepEqual(shown.trimEnd().split(/\n| {2,}/), [
      ...["CONTAINER ID", "NAME", "CPU %", "MEM USAGE / LIMIT", "MEM %", "NET I/O", "BLOCK I/O", "PIDS"],
      ...["0123456789ab", "web", "40.00%", "2MiB / 8MiB", "25.00%", "1.5kB / 5B", "4.1kB / 1MB", "4"],
    ]);
  });

  it("say that nothing is known", () => {
    const format = "{{.Container}} {{.Name}} {{.CPUPerc}} {{.PIDs}}";
    assert.equal(renderListing([{ container: "web" }], statsColumns({ isWhole: true }), { format }), "web -- -- --\n");
  });

  it("count processors that are not told by those that are", () => {
    assert.equal(cpuPercent({ cpu_stats: sample(300, 2_000), precpu_stats: sample(100, 1_000) }).toFixed(2), "60.00");
    assert.equal(cpuPercent({ cpu_stats: sample(100, 2_000), precpu_stats: sample(100, 1_000) }), 0);
    assert.equal(cpuPercent({}), 0);
  });

  const memories: readonly (readonly [what: string, details: Json, bytes: number])[] = [
    ["v1, less what is inactive", { total_inactive_file: 10 }, 90],
    ["v1, of which more is inactive than is used", { total_inactive_file: 200, inactive_file: 5 }, 100],
    ["v2, less what is inactive", { inactive_file: 30 }, 70],
    ["v2, of which more is inactive than is used", { inactive_file: 200 }, 100],
    ["nothing told", undefined, 100],
  ];
  for (const [what, details, bytes] of memories) {
    it(`count memory: ${what}`, () => assert.equal(memoryBytes({ memory_stats: { usage: 100, stats: details } }), bytes));
  }
});
