import assert from "node:assert/strict";
import {
  applyAction,
  type SettingsAction,
  type StageSettings,
  workingDirectory,
} from "../../../../src/engine/build/apply-action.ts";
import { BuildArguments, withArguments } from "../../../../src/engine/build/build-arguments.ts";
import { parseDockerfile } from "../../../../src/engine/build/dockerfile/parse-dockerfile.ts";
import { readInstruction } from "../../../../src/engine/build/dockerfile/read-instruction.ts";
import { stepKey } from "../../../../src/engine/build/step-key.ts";
import { EMPTY_CONFIG } from "../../../../src/engine/images/empty-config.ts";

const START: StageSettings = { config: EMPTY_CONFIG, author: "", hasCommand: false };

function applied(...lines: readonly string[]) {
  let settings = START;
  let comment = "";
  let note = "";
  for (const line of lines) {
    const [node] = parseDockerfile(line).nodes;
    assert.ok(node);
    const result = applyAction(settings, readInstruction(node) as SettingsAction);
    ({ settings, comment } = result);
    note = result.note ?? "";
  }
  return { settings, comment, note };
}

describe("applyAction", () => {
  const comments: readonly (readonly [line: string, comment: string])[] = [
    ["ENV a=1 b=2", "ENV a=1 b=2"],
    ["ENV a b c", "ENV a=b c"],
    ["LABEL a=1", "LABEL a=1"],
    ["MAINTAINER me <me@x>", "MAINTAINER me <me@x>"],
    ["CMD a  b", 'CMD ["/bin/sh" "-c" "a  b"]'],
    ['CMD ["a", "\\t"]', 'CMD ["a" "\\t"]'],
    ["CMD []", "CMD []"],
    ['ENTRYPOINT ["a"]', 'ENTRYPOINT ["a"]'],
    ["EXPOSE 90/udp 80", "EXPOSE 80 90/udp"],
    ["VOLUME /a /b", "VOLUME [/a /b]"],
    ["USER a:b", "USER a:b"],
    ["STOPSIGNAL SIGINT", "STOPSIGNAL SIGINT"],
    ['SHELL ["/bin/bash", "-c"]', "SHELL [/bin/bash -c]"],
    ["ONBUILD RUN x", "ONBUILD RUN x"],
    ["HEALTHCHECK NONE", `HEALTHCHECK &{["NONE"] "0s" "0s" "0s" "0s" '\\x00'}`],
    [
      "HEALTHCHECK --interval=90s --timeout=1500ms --retries=3 CMD x y",
      `HEALTHCHECK &{["CMD-SHELL" "x y"] "1m30s" "1.5s" "0s" "0s" '\\x03'}`,
    ],
  ];
  for (const [line, comment] of comments) {
    it(`calls ${line} as Docker does`, () => assert.equal(applied(line).comment, comment));
  }

  it("puts a variable where the one of its name was", () => {
    assert.deepEqual(applied("ENV a=1 b=2", "ENV a=3 c=4").settings.config.env, ["a=3", "b=2", "c=4"]);
  });

  it("lets a command given in the stage stand beside an entrypoint, and no other", () => {
    assert.deepEqual(applied('CMD ["x"]', 'ENTRYPOINT ["y"]').settings.config.cmd, ["x"]);
    const inherited = { ...START, config: { ...EMPTY_CONFIG, cmd: ["x"] } };
    const { settings } = applyAction(inherited, { kind: "entrypoint", command: { words: ["y"], isForShell: false } });
    assert.equal(settings.config.cmd, undefined);
  });

  it("uses the stage's own shell from then on", () => {
    assert.deepEqual(applied('SHELL ["/bin/bash", "-e", "-c"]', "CMD x").settings.config.cmd, ["/bin/bash", "-e", "-c", "x"]);
  });

  it("notes a health check that another replaces", () => {
    assert.equal(
      applied("HEALTHCHECK CMD a", "HEALTHCHECK CMD b").note,
      "Note: overriding previous HEALTHCHECK: [CMD-SHELL a]\n",
    );
    assert.equal(applied("HEALTHCHECK NONE", "HEALTHCHECK CMD b").note, "");
  });

  const failures: readonly (readonly [line: string, message: string])[] = [
    ["STOPSIGNAL SIGFOO", "invalid signal: SIGFOO"],
    ["EXPOSE x", "invalid containerPort: x"],
    ["EXPOSE 80/foo", "invalid proto: foo"],
    ["EXPOSE 90-80", "invalid containerPort: 90-80"],
  ];
  for (const [line, message] of failures) {
    it(`refuses ${line}`, () => assert.throws(() => applied(line), { message, kind: "invalid" }));
  }
});

describe("workingDirectory", () => {
  for (const [current, path, result] of [
    ["", "a", "/a"],
    ["/a", "b/../c", "/a/c"],
    ["/a", "/b/", "/b"],
    ["/a", "..", "/"],
    ["/", ".", "/"],
  ] as const) {
    it(`leads from ${current || "nowhere"} by ${path} to ${result}`, () => assert.equal(workingDirectory(current, path), result));
  }
});

describe("BuildArguments", () => {
  const given = new Map<string, string | undefined>([
    ["a", "given"],
    ["HTTP_PROXY", "proxy"],
    ["named", undefined],
    ["left", "over"],
  ]);

  it("lets in what ARG names, with what was given before its default", () => {
    const stage = new BuildArguments(given);
    stage.add("a", "default");
    stage.add("b", "default");
    stage.add("named", undefined);
    assert.deepEqual(stage.besides(["b=of the image"]), ["a=given", "HTTP_PROXY=proxy"]);
    assert.deepEqual(stage.unused(), ["left"]);
  });

  it("gives a stage a global's value only where it asks for it", () => {
    const all = new BuildArguments(new Map());
    all.addGlobal("v", "1");
    const stage = all.ofStage();
    assert.deepEqual([...stage.allowed()], []);
    stage.add("v", undefined);
    assert.deepEqual([...stage.allowed()], [["v", "1"]]);
    assert.deepEqual([...stage.globals()], [["v", "1"]]);
  });

  it("keeps proxies out of what an image is made of, unless they are asked for", () => {
    const stage = new BuildArguments(given);
    assert.equal(stage.isPartOfImage("HTTP_PROXY=x"), false);
    stage.add("HTTP_PROXY", undefined);
    assert.equal(stage.isPartOfImage("HTTP_PROXY=x"), true);
    assert.deepEqual(withArguments(["sh"], ["b=2", "a=1"]), ["|2", "a=1", "b=2", "sh"]);
  });
});

describe("stepKey", () => {
  const config = { ...EMPTY_CONFIG, env: ["a=1"], labels: { x: "1", y: "2" } };

  it("is the same for the same settings, in whatever order a set is written", () => {
    assert.equal(stepKey(config, ["a"]), stepKey({ ...config, labels: { y: "2", x: "1" } }, ["a"]));
  });

  for (const [what, other] of [
    ["environment", { env: ["a=2"] }],
    ["label", { labels: { x: "1" } }],
    ["user", { user: "u" }],
    ["health check", { healthcheck: { test: ["NONE"] } }],
    ["shell", { shell: ["sh"] }],
    ["volume", { volumes: ["/v"] }],
  ] as const) {
    it(`is another with another ${what}`, () => assert.notEqual(stepKey(config, ["a"]), stepKey({ ...config, ...other }, ["a"])));
  }

  it("is another for another command", () => assert.notEqual(stepKey(config, ["a"]), stepKey(config, ["a", ""])));
});
