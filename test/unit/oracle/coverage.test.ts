import assert from "node:assert/strict";
import { CoverageTable, parseCommand, SWARM_COMMANDS } from "../../oracle/coverage.ts";
import { docker } from "../../oracle/scenario.ts";

const outcome = (exitCode: number, stderr = "") => ({ exitCode, stdout: "", stderr });

describe("what the scenarios cover", () => {
  const commands: Readonly<Record<string, readonly [verb: string, flags: readonly string[]]>> = {
    "run -it --rm -e A=1 busybox ls -a": ["container run", ["--interactive", "--tty", "--rm", "--env"]],
    "ps -aq --filter name=x": ["container ls", ["--all", "--quiet", "--filter"]],
    "container run --memory=64m busybox": ["container run", ["--memory"]],
    "system df -v": ["system df", ["--verbose"]],
    "exec box --privileged": ["container exec", []],
  };
  for (const [line, [verb, flags]] of Object.entries(commands))
    it(`reads ${line}`, () => assert.deepEqual(parseCommand(line.split(" ")), { verb, flags }));

  const ofSwarms: Readonly<Record<string, readonly [verb: string, flags: readonly string[]]>> = {
    "service create -d --replicas=2 busybox ls --format x": ["service create", ["--detach", "--replicas"]],
    "service inspect web -f x": ["service inspect", ["--format"]],
    "stack down shop": ["stack rm", []],
    "node list -q": ["node ls", ["--quiet"]],
  };
  for (const [line, [verb, flags]] of Object.entries(ofSwarms))
    it(`reads ${line}`, () => assert.deepEqual(parseCommand(line.split(" "), SWARM_COMMANDS), { verb, flags }));

  it("leaves what is of containers out of what is of swarms", () =>
    assert.equal(parseCommand(["ps", "-a"], SWARM_COMMANDS), undefined));

  it("leaves out what is no command on containers or the system", () => {
    assert.equal(parseCommand(["network", "ls"]), undefined);
    assert.equal(parseCommand(["service", "create", "x"]), undefined);
  });

  it("counts each flag once for each kind of outcome", () => {
    const table = new CoverageTable();
    for (const _ of [1, 2]) table.add(docker("run --rm -m 64m busybox true"), outcome(0));
    assert.equal(table.count, 2);
    table.add(docker("run --rm -m 1m busybox true"), outcome(125, "docker: Error response from daemon: too little"));
    assert.equal(table.count, 3, "a refusal is not for what stands around it");
    table.add(docker("run -m 64m busybox false"), outcome(1));
    assert.equal(table.count, 4);
  });

  it("counts neither what only the client refuses nor what is not compared", () => {
    const table = new CoverageTable();
    table.add(docker("run --nope busybox"), outcome(125, "unknown flag: --nope"));
    table.add(docker("run -m 64m busybox", { isSetUp: true }), outcome(0));
    assert.equal(table.count, 0);
  });
});
