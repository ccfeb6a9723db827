import assert from "node:assert/strict";
import { parseConstraint, satisfies } from "../../../src/scheduler/constraint.ts";
import { aNode } from "./fixtures.ts";

describe("a placement constraint", () => {
  const node = aNode({
    id: "n1",
    hostname: "alpha",
    role: "manager",
    labels: { zone: "east" },
    engineLabels: { disk: "ssd" },
  });
  const cases = [
    { text: "node.id == n1", holds: true },
    { text: "node.id==N1", holds: true },
    { text: "node.id != n1", holds: false },
    { text: "node.hostname == alpha", holds: true },
    { text: "node.hostname != beta", holds: true },
    { text: "node.role == manager", holds: true },
    { text: "node.role == worker", holds: false },
    { text: "node.ip == 192.0.2.1", holds: true },
    { text: "node.platform.os == linux", holds: true },
    { text: "node.platform.arch == x86_64", holds: true },
    { text: "node.platform.arch == amd64", holds: true },
    { text: "node.platform.arch != amd64", holds: false },
    { text: "node.platform.arch == arm64", holds: false },
    { text: "node.labels.zone == east", holds: true },
    { text: "node.labels.zone != east", holds: false },
    { text: "node.labels.missing == east", holds: false },
    { text: "node.labels.missing != east", holds: true },
    { text: "engine.labels.disk == ssd", holds: true },
    { text: "engine.labels.disk == hdd", holds: false },
    { text: "node.nonsense == 1", holds: false },
    { text: "node.nonsense != 1", holds: false },
  ];
  for (const { text, holds } of cases) {
    it(`${text} ${holds ? "holds" : "does not hold"}`, () => assert.equal(satisfies(node, parseConstraint(text)), holds));
  }

  for (const { text, message } of [
    { text: "node.id", message: "constraint expected one operator from ==, !=" },
    { text: "node.id = n1", message: "constraint expected one operator from ==, !=" },
    { text: "no space == n1", message: "key 'no space' is invalid" },
    { text: "node.id == n%1", message: "value 'n%1' is invalid" },
  ]) {
    it(`refuses ${text}`, () => assert.throws(() => parseConstraint(text), { kind: "invalid", message }));
  }
});
