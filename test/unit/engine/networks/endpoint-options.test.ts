import assert from "node:assert/strict";
import { driverOptionProblems } from "../../../../src/engine/networks/endpoint-options.ts";

const CASES = [
  { when: "it names the interface", option: "com.docker.network.endpoint.ifname", value: "given0", problems: 0 },
  { when: "it is a note of the client's own", option: "org.example.note", value: "on", problems: 0 },
  { when: "it has no domain", option: "key1", value: "a", problems: 0 },
  { when: "it is for a driver, and none reads it", option: "com.docker.network.bridge.nosuch", value: "1", problems: 1 },
  { when: "it is another way to write a known one", option: "com.docker.network.endpoint.sysctl", value: "x", problems: 1 },
];

describe("driverOptionProblems", () => {
  for (const { when, option, value, problems } of CASES) {
    it(`${problems === 0 ? "takes" : "refuses"} an option when ${when}`, () => {
      assert.equal(driverOptionProblems({ driverOptions: { [option]: value } }).length, problems);
    });
  }
});
