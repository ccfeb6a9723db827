import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import {
  type DockerfileNode,
  parseDockerfile,
  parseDockerfileNamed,
} from "../../../../src/engine/build/dockerfile/parse-dockerfile.ts";
import { readStages } from "../../../../src/engine/build/dockerfile/read-stages.ts";
import { goQuote } from "../../../../src/lib/go-text.ts";
import { DOCKERFILE_CASES, describeDockersCases } from "./reference-data.ts";

/** As Docker's parser shows what it has read. */
function dump({ keyword, flags, args, text }: DockerfileNode): string {
  const shownFlags = flags.length === 0 ? "" : ` [${flags.map(goQuote).join(" ")}]`;
  const name = keyword.toLowerCase();
  if (name === "onbuild" && args.length > 0) {
    const [inner] = parseDockerfile(text.trim().replace(/^\S+\s+/, "")).nodes;
    return `(${name}${shownFlags} ${inner === undefined ? "" : dump(inner)})`;
  }
  return `(${[name + shownFlags, ...args.map(goQuote)].join(" ")})`;
}

const REFUSED_SINCE = "escape-nonewline";

describe("parseDockerfile", () => {
  describeDockersCases(() => {
    const names = readdirSync(DOCKERFILE_CASES);
    it("refuses an escape token of two characters, which Docker took when the cases were written", () => {
      const text = readFileSync(join(DOCKERFILE_CASES, REFUSED_SINCE, "Dockerfile"), "utf8");
      assert.throws(() => parseDockerfile(text), { message: "invalid escape token '``' does not match ` or \\" });
    });
    for (const name of names.filter(entry => statSync(join(DOCKERFILE_CASES, entry)).isDirectory())) {
      if (name === REFUSED_SINCE) continue;
      it(`reads ${name} as Docker does`, () => {
        const read = (file: string) => readFileSync(join(DOCKERFILE_CASES, name, file), "utf8");
        assert.deepEqual(parseDockerfile(read("Dockerfile")).nodes.map(dump), read("result").trim().split("\n"));
      });
    }
  });

  const shapes: readonly { readonly when: string; readonly text: string; readonly nodes: readonly string[] }[] = [
    { when: "a comment stands between continued lines", text: "RUN a \\\n# no\n b", nodes: ['(run "a  b")'] },
    { when: "the escape token is a backtick", text: "# escape=`\nRUN a `\n b\\", nodes: ['(run "a  b\\\\")'] },
    { when: "an escape token is escaped", text: "RUN a \\\\\nRUN b", nodes: ['(run "a \\\\\\\\")', '(run "b")'] },
    {
      when: "flags have quotes",
      text: 'COPY --chown="a b" --from=x y /z',
      nodes: ['(copy ["--chown=a b" "--from=x"] "y" "/z")'],
    },
    { when: "lines end as on Windows", text: "FROM a\r\nRUN b\r\n", nodes: ['(from "a")', '(run "b")'] },
    { when: "there is a byte order mark", text: "\uFEFFFROM a", nodes: ['(from "a")'] },
    { when: "a text follows", text: "RUN <<E\nRUN x\nE\nRUN y", nodes: ['(run "<<E")', '(run "y")'] },
    { when: "an old ENV has blanks in its value", text: "ENV a b  c", nodes: ['(env "a" "b  c")'] },
  ];
  for (const { when, text, nodes } of shapes) {
    it(`reads on when ${when}`, () => assert.deepEqual(parseDockerfile(text).nodes.map(dump), nodes));
  }

  it("warns of blank lines in an instruction", () => {
    assert.deepEqual(parseDockerfile("RUN a \\\n\n b").warnings, ["Empty continuation line found in: RUN a  b"]);
  });

  it("counts lines from the start of an instruction", () => {
    assert.deepEqual(
      parseDockerfile("# c\n\nFROM a\nRUN b \\\n c\nRUN d").nodes.map(({ startLine }) => startLine),
      [3, 4, 6],
    );
  });
});

describe("a Dockerfile that is wrong", () => {
  const cases: readonly { readonly text: string; readonly message: string }[] = [
    { text: "", message: "the Dockerfile (D) cannot be empty" },
    { text: "# only this\n", message: "failed to parse D: file with no instructions" },
    { text: "FROM a\nENV x", message: "failed to parse D: ENV must have two arguments" },
    { text: "# escape=x\nFROM a", message: "failed to parse D: invalid escape token 'x' does not match ` or \\" },
    { text: "# escape=`\n# escape=`\nFROM a", message: "failed to parse D: only one escape parser directive can be used" },
    {
      text: 'FROM a\nCMD ["a", 1]',
      message: "failed to parse D: when using JSON array syntax, arrays must be comprised of strings only",
    },
    { text: "FROM a\nRUN <<E\nx", message: "failed to parse D: unterminated heredoc" },
    {
      text: `FROM a\nRUN ${"x".repeat(70_000)}`,
      message: "failed to parse D: dockerfile line greater than max allowed size of 65535",
    },
    { text: "RUN a", message: "no build stage in current context" },
    { text: "FROM a\nFOO b", message: "dockerfile parse error on line 2: unknown instruction: FOO (did you mean FROM?)" },
    { text: "FROM a\nRUNN b", message: "dockerfile parse error on line 2: unknown instruction: RUNN (did you mean RUN?)" },
    { text: "FROM a\ncpoy b c", message: "dockerfile parse error on line 2: unknown instruction: cpoy (did you mean copy?)" },
    { text: "FROM a b", message: "dockerfile parse error on line 1: FROM requires either one or three arguments" },
    {
      text: "FROM a AS 1x",
      message: `dockerfile parse error on line 1: invalid name for build stage: "1x", name can't start with a number or contain symbols`,
    },
    {
      text: "FROM a\nCOPY b",
      message:
        "dockerfile parse error on line 2: COPY requires at least two arguments, but only one was provided. Destination could not be determined",
    },
    { text: "FROM a\nCOPY --form=x b c", message: "dockerfile parse error on line 2: unknown flag: --form (did you mean from?)" },
    { text: "FROM a\nCOPY --from b c", message: "dockerfile parse error on line 2: missing a value on flag: --from" },
    { text: "FROM a\nCOPY --from=a --from=b c d", message: "dockerfile parse error on line 2: duplicate flag specified: --from" },
    { text: "FROM a\nWORKDIR", message: "dockerfile parse error on line 2: WORKDIR requires exactly one argument" },
    { text: "FROM a\nEXPOSE", message: "dockerfile parse error on line 2: EXPOSE requires at least one argument" },
    { text: "FROM a\nSHELL sh", message: "dockerfile parse error on line 2: SHELL requires the arguments to be in JSON form" },
    { text: "FROM a\nARG =x", message: "dockerfile parse error on line 2: ARG names can not be blank" },
    { text: "FROM a\nONBUILD FROM b", message: "dockerfile parse error on line 2: FROM isn't allowed as an ONBUILD trigger" },
    {
      text: "FROM a\nHEALTHCHECK FOO b",
      message: 'dockerfile parse error on line 2: Unknown type "FOO" in HEALTHCHECK (try CMD)',
    },
    {
      text: "FROM a\nHEALTHCHECK --interval=1ns CMD x",
      message: 'dockerfile parse error on line 2: Interval "interval" cannot be less than 1ms',
    },
    {
      text: "FROM a\nHEALTHCHECK --retries=-1 CMD x",
      message: "dockerfile parse error on line 2: --retries cannot be negative (-1)",
    },
    { text: 'FROM a\nVOLUME [" "]', message: "dockerfile parse error on line 2: VOLUME specified can not be an empty string" },
  ];
  for (const { text, message } of cases) {
    it(`is refused: ${message.slice(0, 90)}`, () => {
      assert.throws(() => readStages(parseDockerfileNamed("D", text).nodes), { message, kind: "invalid" });
    });
  }
});

describe("readStages", () => {
  it("keeps what comes before the first stage apart, and each stage's own", () => {
    const { globals, stages } = readStages(
      parseDockerfile("ARG v=1\nFROM a:$v AS One\nRUN x\nFROM --platform=p one\nCMD y").nodes,
    );
    assert.deepEqual(
      globals.map(({ action }) => action),
      [{ kind: "arg", pairs: [["v", "1"]] }],
    );
    assert.deepEqual(
      stages.map(({ base, name, platform, instructions }) => [base, name, platform, instructions.length]),
      [
        ["a:$v", "one", "", 1],
        ["one", "", "p", 1],
      ],
    );
  });

  it("has no means for what only BuildKit can do", () => {
    const { stages } = readStages(
      parseDockerfile("FROM a\nRUN --mount=type=cache,target=/x y\nCOPY --chmod=1 a b\nRUN <<E\nE").nodes,
    );
    const messages = stages[0]?.instructions.map(({ action }) =>
      action.kind === "unsupported" ? action.message.slice(0, 36) : "",
    );
    assert.deepEqual(messages, [
      "the --mount option requires BuildKit",
      "the --chmod option requires BuildKit",
      "the heredoc syntax requires BuildKit",
    ]);
  });
});
