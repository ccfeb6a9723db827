import assert from "node:assert/strict";
import { docker, hasDockerCli } from "./docker-cli.ts";
import type { CliResult } from "./docker-cli.ts";
import { Harness } from "./harness.ts";
import { skip } from "../skip.ts";

interface Step {
  readonly run: readonly string[];
  readonly stdin?: string;
  readonly exitCode?: number;
  readonly stdout?: string | RegExp;
  readonly stderr?: RegExp;
}

interface Scenario {
  readonly name: string;
  readonly steps: readonly Step[];
}

const ID = /^[0-9a-f]{64}\n$/;
const INIT: Step = { run: ["swarm", "init"], stdout: /docker swarm join --token SWMTKN-1-a-w 10\.0\.0\.1:2377/ };

const SCENARIOS: readonly Scenario[] = [
  {
    name: "version and info",
    steps: [
      {
        run: ["version", "--format", "{{.Server.Version}} {{.Server.APIVersion}} {{.Server.MinAPIVersion}}"],
        stdout: "0.1.0 1.56 1.40\n",
      },
      {
        run: ["info", "--format", "{{.Name}} {{.ServerVersion}} {{.Swarm.LocalNodeState}} {{.NCPU}}"],
        stdout: "fakehost 0.1.0 inactive 2\n",
      },
      { run: ["info"], stdout: /Live Restore Enabled: true/ },
    ],
  },
  {
    name: "run: output, exit codes, input, errors",
    steps: [
      { run: ["run", "--rm", "busybox", "echo", "hi"], stdout: "hi\n" },
      { run: ["run", "busybox", "both"], exitCode: 3, stdout: "out\n", stderr: /^err\n$/ },
      { run: ["run", "--rm", "-i", "busybox", "cat"], stdin: "typed\n", stdout: "typed\n", stderr: /^end of input\n$/ },
      { run: ["run", "-m", "1m", "busybox"], exitCode: 125, stderr: /Minimum memory limit allowed is 6MB/ },
      { run: ["run", "-d", "--name", "one", "busybox", "sleep"], stdout: ID },
      { run: ["ps", "--format", "{{.Names}} {{.Status}} {{.Command}}"], stdout: 'one Up 2 seconds "sleep"\n' },
      {
        run: ["inspect", "one", "--format", "{{.State.Status}} {{.Name}} {{.Path}} {{.HostConfig.Memory}}"],
        stdout: "running /one sleep 0\n",
      },
      { run: ["stop", "one"], stdout: "one\n" },
      { run: ["wait", "one"], stdout: "137\n" },
      { run: ["ps", "-a", "--filter", "name=one", "--format", "{{.Status}}"], stdout: /Exited \(137\) Less than a second ago/ },
      { run: ["rm", "one"], stdout: "one\n" },
      { run: ["inspect", "one"], exitCode: 1, stdout: "[]\n", stderr: /No such object: one/ },
    ],
  },
  {
    name: "exec",
    steps: [
      { run: ["run", "-d", "--name", "one", "busybox", "sleep"], stdout: ID },
      { run: ["exec", "one", "echo", "a", "b"], stdout: "a b\n" },
      { run: ["exec", "-i", "one", "cat"], stdin: "typed", stdout: "typed", stderr: /^end of input\n$/ },
      { run: ["exec", "one", "false"], exitCode: 1 },
      { run: ["exec", "-d", "one", "echo"] },
      { run: ["exec", "nobody", "true"], exitCode: 1, stderr: /No such container: nobody/ },
    ],
  },
  {
    name: "images",
    steps: [
      { run: ["images", "--format", "{{.Repository}}:{{.Tag}} {{.Size}}"], stdout: "busybox:latest 1.23MB\n" },
      { run: ["load"], stdin: "x".repeat(5000), stdout: "Loaded image: busybox:latest\n" },
      { run: ["load"], stdin: "x", exitCode: 1, stderr: /unexpected EOF/ },
      { run: ["image", "inspect", "reg:5000/a/b", "--format", "{{.Os}}"], stdout: "linux\n" },
      { run: ["save", "busybox"], stdout: "s".repeat(2048) },
      { run: ["pull", "-q", "foo"], stdout: "docker.io/library/foo:latest\n" },
      { run: ["rmi", "busybox"], stdout: "Untagged: busybox\n" },
    ],
  },
  {
    name: "networks and volumes of this host",
    steps: [
      { run: ["network", "create", "net"], stdout: ID },
      { run: ["network", "ls", "--format", "{{.Name}} {{.Driver}} {{.Scope}}"], stdout: "net bridge local\n" },
      { run: ["network", "inspect", "net", "--format", "{{(index .IPAM.Config 0).Subnet}}"], stdout: "172.18.0.0/16\n" },
      { run: ["network", "rm", "net"], stdout: "net\n" },
      { run: ["volume", "create", "vol"], stdout: "vol\n" },
      { run: ["volume", "ls", "-q"], stdout: "vol\n" },
      { run: ["volume", "rm", "vol"], stdout: "vol\n" },
    ],
  },
  {
    name: "services",
    steps: [
      INIT,
      {
        run: ["service", "create", "-d", "--name", "web", "--replicas", "2", "-p", "80:8080", "busybox", "sleep"],
        stdout: /^service\w+\n$/,
      },
      {
        run: ["service", "ls", "--format", "{{.Name}} {{.Mode}} {{.Replicas}} {{.Image}} {{.Ports}}"],
        stdout: "web replicated 2/2 busybox:latest *:80->8080/tcp\n",
      },
      {
        run: ["service", "ps", "web", "--format", "{{.Name}} {{.Node}} {{.DesiredState}}"],
        stdout: "web.1 m1 Running\nweb.2 m1 Running\n",
      },
      { run: ["service", "scale", "-d", "web=0"], stdout: "web scaled to 0\n" },
      { run: ["service", "inspect", "web", "--format", "{{.Spec.Mode.Replicated.Replicas}}"], stdout: "0\n" },
      { run: ["service", "update", "-d", "--env-add", "A=b", "--limit-memory", "64m", "web"], stdout: "web\n" },
      { run: ["service", "inspect", "web", "--format", "{{.Spec.TaskTemplate.ContainerSpec.Env}}"], stdout: "[A=b]\n" },
      { run: ["service", "inspect", "--pretty", "web"], stdout: /Memory:\t64MiB/ },
      { run: ["service", "rollback", "-d", "web"], stdout: "web\n" },
      { run: ["service", "inspect", "web", "--format", "{{.Spec.TaskTemplate.ContainerSpec.Env}}"], stdout: "[]\n" },
      { run: ["service", "logs", "web"], exitCode: 1, stderr: /not available on this node/ },
      { run: ["service", "rm", "web"], stdout: "web\n" },
      { run: ["service", "inspect", "web"], exitCode: 1, stdout: "[]\n", stderr: /no such service: web/ },
    ],
  },
  {
    name: "nodes, secrets, configs and networks of the cluster",
    steps: [
      INIT,
      {
        run: ["node", "ls", "--format", "{{.Hostname}} {{.Status}} {{.Availability}} {{.ManagerStatus}}"],
        stdout: "m1 Ready Active Leader\n",
      },
      { run: ["node", "update", "--label-add", "zone=a", "--availability", "drain", "m1"], stdout: "m1\n" },
      { run: ["node", "inspect", "m1", "--format", "{{.Spec.Labels.zone}} {{.Spec.Availability}}"], stdout: "a drain\n" },
      { run: ["secret", "create", "key", "-"], stdin: "s3cret", stdout: /^secret\w+\n$/ },
      { run: ["secret", "ls", "--format", "{{.Name}}"], stdout: "key\n" },
      { run: ["config", "create", "conf", "-"], stdin: "text", stdout: /^config\w+\n$/ },
      { run: ["config", "inspect", "conf", "--format", "{{.Spec.Data}}"], stdout: "[116 101 120 116]\n" },
      { run: ["network", "create", "-d", "overlay", "--attachable", "ov"], stdout: /^network\w+\n$/ },
      { run: ["network", "ls", "--format", "{{.Name}} {{.Driver}} {{.Scope}}"], stdout: "ov overlay swarm\n" },
      { run: ["network", "rm", "ov"], stdout: "ov\n" },
      { run: ["swarm", "join-token", "-q", "manager"], stdout: "SWMTKN-1-a-m\n" },
      { run: ["swarm", "leave", "--force"], stdout: "Node left the swarm.\n" },
      { run: ["node", "ls"], exitCode: 1, stderr: /This node is not a swarm manager/ },
    ],
  },
];

describe("Docker's own CLI", function () {
  this.timeout(60_000);
  for (const { name, steps } of SCENARIOS) {
    it(name, async function () {
      if (!hasDockerCli()) skip(this, "there is no docker CLI");
      await using harness = await Harness.create();
      for (const step of steps) check(step, await docker(harness.dockerHost, step.run, { stdin: step.stdin ?? "" }));
    });
  }

  it("follows a log until it is over", async function () {
    if (!hasDockerCli()) skip(this, "there is no docker CLI");
    await using harness = await Harness.create();
    await docker(harness.dockerHost, ["run", "-d", "--name", "one", "busybox", "sleep"]);
    harness.engine.say("one", "first\n");
    const following = docker(harness.dockerHost, ["logs", "-f", "one"]);
    harness.engine.say("one", "second\n");
    await docker(harness.dockerHost, ["kill", "one"]);
    assert.equal((await following).stdout, "first\nsecond\n");
  });
});

function check({ run, exitCode = 0, stdout, stderr }: Step, result: CliResult): void {
  const told = `docker ${run.join(" ")}: ${JSON.stringify(result)}`;
  assert.equal(result.exitCode, exitCode, told);
  if (typeof stdout === "string") assert.equal(result.stdout, stdout, told);
  else if (stdout !== undefined) assert.match(result.stdout, stdout, told);
  if (stderr !== undefined) assert.match(result.stderr, stderr, told);
}
