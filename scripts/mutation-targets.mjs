// Which code is broken on purpose, and the tests that have to notice: the cheapest first.
import { readdirSync } from "node:fs";

/** The files under `folder` whose names fit, in order. */
function filesIn(folder, fits = name => name.endsWith(".ts")) {
  return readdirSync(folder, { recursive: true })
    .filter(fits)
    .map(name => `${folder}/${name}`)
    .sort();
}

const testsIn = folder => filesIn(folder, name => name.endsWith(".test.ts"));
/** One leading manager with its workers. */
const CLUSTER = { name: "cluster", files: testsIn("test/sim/cluster") };
/** Whole lives under faults: three managers, their disks and their users. */
const LIVES = { name: "lives", files: ["test/sim/control-plane/control-plane.test.ts"], env: { SEEDS: "2" } };
/** But for the one that measures: how busy the machine is must not count. */
const STORE = { name: "unit", files: testsIn("test/unit/manager/store"), without: "takes no longer than 20 ms" };
const LOOP = [
  ...filesIn("test/unit/manager", name => /^control-loop[^/]*\.test\.ts$/.test(name)),
  ...testsIn("test/unit/manager/orchestrator"),
  ...testsIn("test/unit/manager/allocator"),
  ...testsIn("test/unit/scheduler"),
  "test/unit/manager/control-api/attachments.test.ts",
  "test/unit/manager/term-clock.test.ts",
];
const DISPATCHER = testsIn("test/unit/manager/dispatcher");

/** `count`: how many changes of it are drawn. */
export const TARGETS = [
  {
    name: "raft",
    files: filesIn("src/raft"),
    count: 110,
    stages: [
      { name: "unit", files: testsIn("test/unit/raft") },
      { name: "simulation", files: ["test/sim/raft/raft.test.ts", "test/sim/raft/bad-disk.test.ts"], env: { SEEDS: "30" } },
    ],
  },
  {
    name: "store",
    files: filesIn("src/manager/store"),
    count: 60,
    stages: [STORE, { name: "dispatcher", files: DISPATCHER }, CLUSTER, LIVES],
  },
  {
    name: "loop",
    files: [
      ...filesIn("src/manager", name => !name.includes("/") && name.endsWith(".ts")),
      ...["src/manager/orchestrator", "src/manager/allocator", "src/scheduler"].flatMap(folder => filesIn(folder)),
    ],
    count: 130,
    stages: [{ name: "unit", files: LOOP }, CLUSTER, LIVES],
  },
  {
    name: "dispatcher",
    files: filesIn("src/manager/dispatcher"),
    count: 60,
    stages: [{ name: "unit", files: DISPATCHER }, CLUSTER, LIVES],
  },
];
