import assert from "node:assert/strict";
import { logDetails } from "../../../../src/engine/logs/log-details.ts";
import { parseLogSettings } from "../../../../src/engine/logs/log-settings.ts";
import { formatLogTime, formatTimeNs, parseLogTime } from "../../../../src/engine/logs/log-time.ts";

describe("parseLogSettings", () => {
  const kept = { isKept: true, isReadable: true, fileBytesMax: 20 * 2 ** 20, filesMax: 5, compresses: false };
  const accepted = [
    { type: "", options: {}, settings: kept },
    {
      type: "json-file",
      options: { "max-size": "10m", "max-file": "3", compress: "true" },
      settings: { ...kept, fileBytesMax: 10_000_000, filesMax: 3, compresses: true },
    },
    { type: "json-file", options: { "max-size": "1kb" }, settings: { ...kept, fileBytesMax: 1000, filesMax: 1 } },
    { type: "local", options: {}, settings: { ...kept, compresses: true } },
    { type: "none", options: {}, settings: { ...kept, isKept: false, isReadable: false } },
    { type: "syslog", options: { "cache-max-file": "2" }, settings: { ...kept, filesMax: 2, compresses: true } },
    { type: "syslog", options: { "cache-disabled": "true" }, settings: { ...kept, isReadable: false, filesMax: 1 } },
  ];
  for (const { type, options, settings } of accepted) {
    it(`takes ${type || "nothing"} with ${JSON.stringify(options)}`, () =>
      assert.deepEqual(parseLogSettings({ type, options }), settings));
  }

  const refused = [
    { type: "json-file", options: { "max-size": "ten" }, message: "invalid size: 'ten'" },
    { type: "json-file", options: { "max-size": "-1" }, message: "invalid size: '-1'" },
    { type: "json-file", options: { "max-size": "1x" }, message: "invalid suffix: 'x'" },
    { type: "json-file", options: { "max-size": "0" }, message: "max-size must be a positive number" },
    { type: "json-file", options: { "max-file": "0" }, message: "max-file cannot be less than 1" },
    { type: "json-file", options: { "max-file": "x" }, message: 'strconv.Atoi: parsing "x": invalid syntax' },
    {
      type: "json-file",
      options: { compress: "true" },
      message: "compress cannot be true when max-file is less than 2 or max-size is not set",
    },
    { type: "local", options: { "max-file": "1" }, message: "compression cannot be enabled when max file count is 1" },
    { type: "local", options: { "max-size": "x" }, message: "invalid value for max-size: x: invalid size: 'x'" },
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
    assert.equal(logDetails({ labels: "team", "env-regex": "^REG" }, config), "REGION=eu,team=a+b");
    assert.equal(logDetails({}, config), "");
    assert.equal(logDetails({ labels: "other" }, config, "web"), "other=x,tag=web");
  });
});
