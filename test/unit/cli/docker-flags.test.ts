import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { runProgram } from "../../../src/cli/program.ts";

type Verbs = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

const DOCKER = ["cli-flags.json", "swarm-cli-flags.json"].map(
  name => JSON.parse(readFileSync(`test/oracle/${name}`, "utf8")) as Verbs,
);
/** What the guide says is not there, and `system version`, which is none of Docker's commands. */
const OTHER_VERBS = /^stack |^system version$/;
/** Of Windows, of checkpoints, and what every command has. */
const OTHER_FLAGS = [
  ...["--cpu-count", "--cpu-percent", "--io-maxbandwidth", "--io-maxiops", "--isolation", "--credential-spec"],
  ...["--checkpoint", "--checkpoint-dir", "--help"],
];

async function helpOf(verb: string): Promise<string> {
  let help = "";
  const options = {
    connect: () => assert.fail("no daemon is asked"),
    stdout: (text: string) => (help += text),
    stderr: () => undefined,
    version: "",
  };
  await runProgram([...verb.split(" "), "--help"], options);
  return help;
}

describe("the flags of the docker CLI", () => {
  for (const [verb, flags] of DOCKER.flatMap(verbs => Object.entries(verbs)))
    if (!OTHER_VERBS.test(verb))
      it(`are those of shoal ${verb}`, async () => {
        const help = await helpOf(verb);
        const isThere = (flag: string): boolean => new RegExp(`${flag}(?![\\w-])`).test(help);
        assert.deepEqual(
          Object.keys(flags).filter(flag => !isThere(flag) && !OTHER_FLAGS.includes(flag)),
          [],
        );
      });
});
