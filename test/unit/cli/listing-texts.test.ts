import assert from "node:assert/strict";
import { byName } from "../../../src/cli/commands/listing.ts";
import { displayPorts } from "../../../src/cli/format/ports.ts";
import { indentJson } from "../../../src/cli/format/raw-json.ts";
import { ellipsis, goTime, joinedPairs, shortId } from "../../../src/cli/format/text.ts";
import { timestamp } from "../../../src/cli/format/time-argument.ts";

describe("displayPorts", () => {
  const port = (PrivatePort: number, PublicPort?: number, IP = "0.0.0.0", Type = "tcp") =>
    PublicPort === undefined ? { PrivatePort, Type } : { IP, PrivatePort, PublicPort, Type };
  const cases = [
    { ports: [], shows: "" },
    { ports: [port(80)], shows: "80/tcp" },
    { ports: [port(80, 8080)], shows: "0.0.0.0:8080->80/tcp" },
    { ports: [port(9002, 9002), port(9000, 9000), port(9001, 9001)], shows: "0.0.0.0:9000-9002->9000-9002/tcp" },
    { ports: [port(80, 80, "::")], shows: "[::]:80->80/tcp" },
    { ports: [port(1), port(2), port(4), port(53, undefined, "", "udp")], shows: "1-2/tcp, 4/tcp, 53/udp" },
    { ports: [port(80, 8080), port(443)], shows: "443/tcp, 0.0.0.0:8080->80/tcp" },
  ];
  for (const { ports, shows } of cases) it(`shows ${shows || "nothing"}`, () => assert.equal(displayPorts(ports), shows));
});

describe("indentJson", () => {
  it("keeps order, numbers, escapes and empty brackets", () => {
    const text = '{"b":[1.50,{"x":{}}],"a":"q\\"{,}\\u003c","e":[ ],"n":12345678901234567890}';
    const indented =
      '{\n    "b": [\n        1.50,\n        {\n            "x": {}\n        }\n    ],\n    "a": "q\\"{,}\\u003c",\n    "e": [],\n    "n": 12345678901234567890\n}';
    assert.equal(indentJson(text), indented);
  });
});

describe("timestamp", () => {
  const nowMs = Date.UTC(2026, 0, 2, 3, 4, 5);
  const cases: readonly (readonly [given: string, seconds: string])[] = [
    ["10s", `${nowMs / 1_000 - 10}.000000000`],
    ["1767322000", "1767322000"],
    ["1767322000.5", "1767322000.5"],
    ["2026-01-02T03:04:05Z", `${nowMs / 1_000}.000000000`],
    ["2026-01-02T03:04:05.25Z", `${nowMs / 1_000}.250000000`],
    ["2026-01-02T05:04:05+02:00", `${nowMs / 1_000}.000000000`],
  ];
  for (const [given, seconds] of cases) it(`reads ${given}`, () => assert.equal(timestamp("since", given, nowMs), seconds));
  it("refuses what is no time", () =>
    assert.throws(
      () => timestamp("since", "x", nowMs),
      /invalid value for "since": failed to parse value as time or duration: "x"/,
    ));
});

describe("texts of listings", () => {
  it("cuts with an ellipsis", () => assert.deepEqual([ellipsis("abc", 3), ellipsis("abcd", 3)], ["abc", "ab…"]));
  it("shortens ids", () => assert.equal(shortId(`sha256:${"0123456789abcdef".repeat(4)}`), "0123456789ab"));
  it("joins pairs by name", () => assert.equal(joinedPairs({ b: "2", a: "1" }), "a=1,b=2"));
  it("prints times as Go does", () => assert.match(goTime(0), /^19(?:70-01-01|69-12-31) \d\d:\d\d:00 [+-]\d{4} \S+$/));
  it("orders names as people count", () =>
    assert.deepEqual(["web10", "web2", "a", "web"].sort(byName), ["a", "web", "web2", "web10"]));
});
