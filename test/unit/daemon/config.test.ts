import assert from "node:assert/strict";
import { parseConfigFile, parseFlags } from "../../../src/daemon/config.ts";

describe("parseFlags", () => {
  it("reads values, lists and booleans as dockerd does", () => {
    assert.deepEqual(
      parseFlags([
        "-H",
        "unix:///a",
        "--host=tcp://b",
        "--live-restore=false",
        "--debug",
        "-l",
        "warn",
        "--shutdown-timeout",
        "3",
      ]),
      {
        host: ["unix:///a", "tcp://b"],
        "live-restore": false,
        debug: true,
        "log-level": "warn",
        "shutdown-timeout": 3,
      },
    );
  });
  const wrong = [
    { args: ["--nope"], message: /unknown flag: --nope/ },
    { args: ["--host"], message: /flag needs an argument: --host/ },
    { args: ["--debug=maybe"], message: /invalid argument "maybe" for "--debug" flag/ },
    { args: ["--shutdown-timeout=x"], message: /invalid argument "x" for "--shutdown-timeout" flag/ },
    { args: ["--userns-remap=default"], message: /the option --userns-remap is not supported/ },
    { args: ["stray"], message: /unknown argument: stray/ },
  ];
  for (const { args, message } of wrong) it(`refuses ${args.join(" ")}`, () => assert.throws(() => parseFlags(args), message));
});

describe("parseConfigFile", () => {
  it("reads daemon.json's own names", () => {
    assert.deepEqual(parseConfigFile('{"hosts": ["unix:///a"], "labels": ["a=b"], "live-restore": true}', "f"), {
      host: ["unix:///a"],
      label: ["a=b"],
      "live-restore": true,
    });
  });
  const wrong = [
    { content: "{", message: /unable to configure the daemon with file f: invalid JSON/ },
    { content: "[]", message: /not an object/ },
    { content: '{"nope": 1}', message: /the following directives don't match any configuration option: nope/ },
    { content: '{"hosts": "unix:///a"}', message: /hosts has the wrong type/ },
    { content: '{"userns-remap": "default"}', message: /the option userns-remap is not supported/ },
  ];
  for (const { content, message } of wrong)
    it(`refuses ${content}`, () => assert.throws(() => parseConfigFile(content, "f"), message));
});
