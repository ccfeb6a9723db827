import assert from "node:assert/strict";
import { parseMounts, propagationProblem } from "../../../../src/engine/containers/propagation.ts";

const MOUNTINFO = [
  "20 1 8:1 / / rw,relatime - ext4 /dev/a rw",
  "21 20 8:2 / /mnt/shared\\040place rw shared:5 - ext4 /dev/b rw",
  "22 20 8:3 / /mnt/slave rw master:5 - ext4 /dev/c rw",
  "",
].join("\n");

describe("propagation of a bind", () => {
  const cases = [
    { path: "/tmp", propagation: "rshared", says: "path /tmp is mounted on / but it is not a shared mount" },
    { path: "/tmp", propagation: "slave", says: "path /tmp is mounted on / but it is not a shared or slave mount" },
    { path: "/mnt/shared place/x", propagation: "shared", says: undefined },
    { path: "/mnt/slave", propagation: "rslave", says: undefined },
    {
      path: "/mnt/slave/x",
      propagation: "rshared",
      says: "path /mnt/slave/x is mounted on /mnt/slave but it is not a shared mount",
    },
    {
      path: "/mnt/slaves",
      propagation: "rslave",
      says: "path /mnt/slaves is mounted on / but it is not a shared or slave mount",
    },
  ];
  for (const { path, propagation, says } of cases) {
    it(`${propagation} of ${path}: ${says ?? "possible"}`, () => {
      assert.equal(propagationProblem({ source: path, path, propagation, mounts: parseMounts(MOUNTINFO) }), says);
    });
  }
});
