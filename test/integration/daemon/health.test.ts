import assert from "node:assert/strict";
import { importBusybox, type TestHost, TestLab, until } from "../lab/lab.ts";
import { run } from "../cli/programs.ts";

const SERVER = "mkdir /www && echo fine > /www/ready && exec httpd -f -p 8080 -h /www";
const OFTEN = "--health-interval 200ms --health-retries 2 --health-timeout 2s".split(" ");

const HEALTH_MS = 15_000;

/** Real programs in real network namespaces, asked by a real daemon. */
describe("health checks over the network", function () {
  this.timeout(60_000);
  let lab: TestLab;
  let host: TestHost;

  before(async () => {
    lab = await TestLab.up({ managers: 1, workers: 0, isEmpty: true });
    host = lab.host("m1");
    await importBusybox([host]);
  });
  after(async () => lab?.[Symbol.asyncDispose]());

  const shoal = async (...args: readonly string[]): Promise<string> => {
    const { exitCode, stdout, stderr } = await run("shoal", host.socket, args);
    assert.equal(exitCode, 0, stderr);
    return stdout.trim();
  };
  const health = (name: string) => shoal("inspect", "-f", "{{.State.Health.Status}} {{.RestartCount}}", name);
  const output = (name: string) => shoal("inspect", "-f", "{{range .State.Health.Log}}{{.Output}}{{end}}", name);

  it("ask a server by HTTP, also where it has no network, and no process shows in the container", async () => {
    await shoal(
      "run",
      "-d",
      "--name",
      "web",
      "--network",
      "none",
      "--health-http",
      "http://:8080/ready",
      ...OFTEN,
      "busybox",
      "sh",
      "-c",
      SERVER,
    );
    await until("it is healthy", HEALTH_MS, async () => (await health("web")) === "healthy 0");
    assert.match(await output("web"), /HTTP\/1\.\d 200 OK/);
    await shoal("exec", "web", "rm", "/www/ready");
    await until("it is unhealthy", HEALTH_MS, async () => (await health("web")) === "unhealthy 0");
    assert.match(await output("web"), /HTTP\/1\.\d 404 Not Found[^]*404 Not Found/);
    const events = await shoal(
      "events",
      "--since",
      "5m",
      "--until",
      "0s",
      "--filter",
      "container=web",
      "--format",
      "{{.Action}}",
    );
    assert.doesNotMatch(events, /exec_create: \/bin\/sh/);
    assert.match(events, /health_status: healthy[^]*health_status: unhealthy/);
  });

  it("ask by TCP, and restart what no longer answers if that is wanted", async () => {
    const command = ["busybox", "httpd", "-f", "-p", "9001"];
    await shoal(
      "run",
      "-d",
      "--name",
      "tcp",
      "--restart-on-unhealthy",
      "--stop-signal",
      "KILL",
      "--health-tcp",
      ":9000",
      ...OFTEN,
      ...command,
    );
    await until("it was restarted", HEALTH_MS, async () => /^\w+ [1-9]/.test(await health("tcp")));
    await shoal("rm", "-f", "tcp");
  });
});
