import assert from "node:assert/strict";
import { importBusybox, TestLab, until } from "../lab/lab.ts";
import { skip } from "../../skip.ts";
import { converse, hasDocker, normalized, run, words } from "./programs.ts";

/** Read by both programs from the same daemon: nothing here changes what the other one sees. */
const SAME = [
  "ps",
  "ps -a --no-trunc",
  "ps -aq",
  "ps -as",
  "ps -l -q",
  "ps -n 1",
  "ps -a --format json",
  "ps --filter name=other -a",
  "ps --filter status=bogus",
  "ps --format '{{.Names}}: {{.Label \"x\"}} {{.Labels}}'",
  "ps --format 'table {{.ID}}\\t{{.Names}}\\t{{.Ports}}'",
  "ps --format '{{.Foo}}'",
  "ps --format '{{.ID.Foo}}'",
  "ps --format '{{'",
  "ps --filter foo",
  "ps --foo",
  "ps -n x",
  "ps x",
  "foo",
  "container foo",
  "run",
  "run --foo",
  "run -p",
  "run -z",
  "run --memory x busybox",
  "run --rm=maybe busybox",
  "run --rm busybox echo hi",
  "run --rm busybox sh -c 'echo a; echo b >&2; exit 3'",
  "run --rm=true --tty=false busybox ls --color=never /bin/sh",
  "run --rm -t busybox echo hi",
  "run --rm -it busybox true",
  "run --rm busybox nosuch",
  "run --rm busybox /etc/passwd",
  "run -d -a stdout busybox true",
  "run --rm --restart always busybox true",
  "run --pull never nope:1",
  "run --cidfile /etc/passwd busybox",
  "create --restart x busybox",
  "create --mount type=x busybox",
  "create -p 80x busybox",
  "create UPPER",
  "inspect main",
  "inspect main nope",
  "inspect -s main",
  "inspect -f '{{.State.Status}} {{json .Config.Cmd}}' main other",
  "inspect -f '{{.Foo}}' main",
  "inspect -f '{{.State.Foo}}' main",
  "inspect -f '{{foo .}}' main",
  "inspect -f json main",
  "inspect -f '{{(index (index .NetworkSettings.Ports \"80/tcp\") 0).HostPort}}' main",
  "inspect -f '{{range $name, $net := .NetworkSettings.Networks}}{{$name}}{{end}}' main",
  "inspect -f '{{.Config.Entrypoint}} {{.Config.Labels}} {{.Config.Labels.none}}' main",
  "inspect --type foo main",
  "inspect busybox",
  "inspect bridge",
  "inspect data",
  "logs other",
  "logs --tail 1 other",
  "logs --tail x other",
  "logs nope",
  "exec main sh -c 'echo $0; exit 7' word",
  "exec -e A=1 -w /tmp main sh -c 'echo $A $PWD'",
  "exec main nosuch",
  "exec other true",
  "exec -it main true",
  "port main",
  "port main 80",
  "port main 81",
  "wait other",
  "start nope nope2",
  "start -a other",
  "attach other",
  "stop -t x main",
  "kill -s FOO main",
  "rename main other",
  "rm main",
  "rm",
  "update main",
  "history busybox",
  "images",
  "images --format json",
  "rmi nope",
  "tag x",
  "network ls --format json",
  "network inspect nope",
  "network create",
  "volume ls",
  "volume create a b",
  "volume rm data",
  "volume rm nope",
  "system df",
  "info --format '{{.Name}} {{.Driver}}'",
  "events --since 1h --until 0s --filter container=main --filter event=start",
  "events --since x",
  "stats --no-stream --format '{{.Container}} {{.Name}} {{.PIDs}} {{.MemPerc}} {{.BlockIO}}' main other",
  "stats --no-stream --format 'table {{.Name}}\\t{{.CPUPerc}}' other",
  "stats --no-stream -a --format '{{.Name}}'",
  "stats --no-stream other",
  "stats --no-stream main nope none",
  "stats nope",
  "node ls",
  "service ls",
  "secret ls",
] as const;

/** Done by each program with an object of its own, in order. */
const EACH = [
  "create --name % -e A=b busybox sh -c 'echo $A; cat'",
  "start %",
  "pause %",
  "pause %",
  "unpause %",
  "update --memory 32m --memory-swap 64m %",
  "stop -t 1 %",
  "restart -t 1 %",
  "rename % %x",
  "rm %x",
  "kill %x",
  "rm -v %x",
  "volume create --label a=b %",
  "volume rm %",
  "network create --label a=b %",
  "network connect % main",
  "network disconnect % main",
  "network rm %",
  "tag busybox %:1",
  "rmi %:1",
] as const;

describe("shoal beside the docker CLI", function () {
  this.timeout(60_000);
  let lab: TestLab | undefined;
  let socket = "";

  before(async function () {
    if (!hasDocker()) skip(this, "there is no docker CLI on PATH to compare with");
    lab = await TestLab.up({ managers: 1, workers: 0, isEmpty: true });
    const host = lab.host("m1");
    ({ socket } = host);
    await importBusybox([host]);
    const main =
      "run -d --name main -p 127.0.0.1:8080:80 -p 9000-9002:9000-9002/udp --label x=y --label a=b -v data:/data busybox sleep 1000";
    const other = "run -d --name other busybox sh -c 'echo out; echo err >&2; exit 4'";
    for (const line of [main, other]) {
      const { exitCode, stderr } = await run("shoal", socket, words(line));
      assert.equal(exitCode, 0, stderr);
    }
    await until("the short one has ended", 10_000, async () => {
      const { stdout } = await run("shoal", socket, ["inspect", "-f", "{{.State.Status}}", "other"]);
      return stdout === "exited\n";
    });
  });
  after(async () => lab?.[Symbol.asyncDispose]());

  for (const line of SAME) {
    it(line, async () => {
      const [theirs, ours] = await Promise.all([run("docker", socket, words(line)), run("shoal", socket, words(line))]);
      assert.notEqual(theirs.exitCode, -1, "the docker CLI did not end");
      assert.deepEqual(normalized(ours), normalized(theirs));
    });
  }

  for (const line of EACH) {
    it(`${line} (each its own)`, async () => {
      const outcomes = await Promise.all(
        (["docker", "shoal"] as const).map(async program => {
          const own = `own-${program === "docker" ? "d" : "s"}`;
          const outcome = normalized(await run(program, socket, words(line.replaceAll("%", own))));
          const anonymous = (text: string): string => text.replaceAll(own, "OWN");
          return { ...outcome, stdout: anonymous(outcome.stdout), stderr: anonymous(outcome.stderr) };
        }),
      );
      assert.deepEqual(outcomes[1], outcomes[0]);
    });
  }
});

describe("shoal on a terminal and a pipe", function () {
  this.timeout(60_000);
  let lab: TestLab;
  let socket = "";

  before(async () => {
    lab = await TestLab.up({ managers: 1, workers: 0, isEmpty: true });
    ({ socket } = lab.host("m1"));
    await importBusybox([lab.host("m1")]);
  });
  after(async () => lab[Symbol.asyncDispose]());

  it("passes input on, then its end, and output back", async () => {
    const outcome = await run("shoal", socket, words("run --rm -i busybox sh -c 'cat; echo done'"), "one\ntwo\n");
    assert.deepEqual(outcome, { exitCode: 0, stdout: "one\ntwo\ndone\n", stderr: "" });
  });

  it("loses nothing of a large output", async () => {
    const { exitCode, stdout } = await run("shoal", socket, words("run --rm busybox seq 100000"));
    assert.equal(exitCode, 0);
    assert.equal(stdout, Array.from({ length: 100_000 }, (_, index) => `${index + 1}\n`).join(""));
  });

  it("gives a shell a terminal of our size, follows it, and ends with its exit code", async () => {
    const { exitCode, stdout } = await converse("shoal", socket, {
      args: words("run --rm -it busybox sh"),
      steps: [
        [/# /, "stty size\r"],
        [/30 100\r\n/, terminal => terminal.resize(120, 40)],
        [/# /, "while [ \"$(stty size)\" != '40 120' ]; do :; done; echo grown; exit 5\r"],
      ],
    });
    assert.match(stdout, /\r\ngrown\r\n/);
    assert.doesNotMatch(stdout, /\r\r\n/);
    assert.equal(exitCode, 5);
  });

  it("leaves a container running alone by the detach keys, and comes back to it", async () => {
    const left = await converse("shoal", socket, {
      args: words("run -it --name kept --detach-keys ctrl-a busybox sh"),
      steps: [[/# /, "\x01"]],
    });
    assert.equal(left.exitCode, 0);
    const back = await converse("shoal", socket, { args: ["attach", "kept"], steps: [[/# /, "exit 6\r"]] });
    assert.equal(back.exitCode, 6, back.stdout);
  });

  it("execs on a terminal", async () => {
    await run("shoal", socket, words("run -d --name target busybox sleep 100"));
    const { exitCode, stdout } = await converse("shoal", socket, {
      args: words("exec -it target sh"),
      steps: [[/# /, "tty; exit 9\r"]],
    });
    assert.match(stdout, /\/dev\/pts\/\d/);
    assert.equal(exitCode, 9);
  });
});
