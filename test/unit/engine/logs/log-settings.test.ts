import assert from "node:assert/strict";
import { logDetails } from "../../../../src/engine/logs/log-details.ts";
import { parseLogSettings } from "../../../../src/engine/logs/log-settings.ts";
import { formatLogTime, formatTimeNs, parseLogTime } from "../../../../src/engine/logs/log-time.ts";

describe("parseLogSettings", () => {
  const accepted = [
    { type: "", options: {}, settings: { isKept: true, fileBytesMax: 20 * 2 ** 20, filesMax: 5 } },
    {
      type: "json-file",
      options: { "max-size": "10m", "max-file": "3" },
      settings: { isKept: true, fileBytesMax: 10 * 2 ** 20, filesMax: 3 },
    },
    { type: "local", options: { "max-size": "-1" }, settings: { isKept: true, fileBytesMax: Infinity, filesMax: 5 } },
    { type: "none", options: {}, settings: { isKept: false, fileBytesMax: Infinity, filesMax: 1 } },
  ];
  for (const { type, options, settings } of accepted) {
    it(`takes ${type || "nothing"} with ${JSON.stringify(options)}`, () =>
      assert.deepEqual(parseLogSettings({ type, options }), settings));
  }

  const refused = [
    { type: "splunk", options: {}, message: "logger: no log driver named 'splunk' is registered" },
    { type: "json-file", options: { nope: "1" }, message: "unknown log opt 'nope' for json-file log driver" },
    { type: "json-file", options: { "max-size": "ten" }, message: "invalid size: 'ten'" },
    { type: "json-file", options: { "env-regex": "(" }, message: "invalid value for env-regex: '('" },
    { type: "json-file", options: { "max-file": "0" }, message: "max-file cannot be less than 1" },
  ];
  for (const { type, options, message } of refused) {
    it(`refuses ${type} with ${JSON.stringify(options)}`, () =>
      assert.throws(() => parseLogSettings({ type, options }), { kind: "invalid", message }));
  }
});

describe("log times", () => {
  it("are UTC with nine digits, as Docker's", () => {
    assert.equal(formatLogTime("2026-11-21T21:53:41.705255027+00:00"), "2026-11-21T21:53:41.705255027Z");
    assert.equal(formatLogTime("2026-11-21T23:53:41.705255027+02:00"), "2026-11-21T21:53:41.705255027Z");
  });

  it("are read to the ns and back", () => {
    const timeNs = parseLogTime("2026-11-21T21:53:41.705255027+00:00");
    assert.equal(timeNs === undefined ? "" : formatTimeNs(timeNs), "2026-11-21T21:53:41.705255027Z");
    assert.equal(parseLogTime("yesterday"), undefined);
  });
});

describe("logDetails", () => {
  it("shows the labels and variables that the options name", () => {
    const config = { labels: { team: "a b", other: "x" }, env: ["REGION=eu", "SECRET=1"] };
    assert.equal(logDetails({ labels: "team", "env-regex": "^REG" }, config), "REGION=eu,team=a%20b");
    assert.equal(logDetails({}, config), "");
  });
});
