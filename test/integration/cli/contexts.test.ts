import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { skip } from "../../skip.ts";
import { hasDocker, words } from "./programs.ts";

const RUN_MS = 20_000;
/** Run one after another by each program, each with settings of its own. */
const LINES = [
  "context ls",
  "context show",
  "context create aa --description 'first one' --docker host=unix:///run/a.sock",
  "context create aa --docker host=unix:///x",
  "context create bb --docker host=tcp://h:2375,skip-tls-verify=true",
  "context create ss --docker host=ssh://h",
  "context create a",
  "context create default",
  "context create cc --docker nope=1",
  "context create cc --docker host=foo",
  "context create cc --docker host=unix:///a,ca=/nonexistent",
  "context create dd",
  "context ls",
  "context ls -q",
  "context ls --format json",
  "context ls --format '{{.Name}} {{.Current}} {{.DockerEndpoint}}'",
  "context use nope",
  "context use aa",
  "context show",
  "context ls",
  "context inspect",
  "context inspect aa nope",
  "context inspect -f '{{.Name}} {{.Endpoints.docker.Host}}' aa bb",
  "--context bb context show",
  "--context zz context ls -q",
  "--context zz ps",
  "-H unix:///x --context bb context show",
  "context rm aa",
  "context rm nope default",
  "context rm -f aa",
  "context show",
  "context rm bb dd ss",
  "context ls",
];

describe("shoal context beside docker context", function () {
  this.timeout(60_000);
  let directory: string;
  before(function () {
    if (!hasDocker()) skip(this, "there is no docker CLI");
    directory = mkdtempSync(join(tmpdir(), "shoal-contexts-"));
  });
  after(() => directory !== undefined && rmSync(directory, { recursive: true, force: true }));

  const settings = (program: string) => join(directory, program);
  function run(
    program: "docker" | "bin/shoal",
    line: string,
    environment: Readonly<Record<string, string>> = {},
  ): Promise<unknown> {
    const name = program === "docker" ? "docker" : "shoal";
    const { DOCKER_HOST: _, DOCKER_CONTEXT: __, ...rest } = process.env;
    const env = { ...rest, DOCKER_CONFIG: settings(name), ...environment };
    return new Promise(resolve => {
      execFile(program, [...words(line)], { env, timeout: RUN_MS }, (error, stdout, stderr) => {
        const normal = (text: string) =>
          text
            .replaceAll(env.DOCKER_CONFIG, "<settings>")
            .replaceAll("unix:///var/run/docker.sock", "<default>")
            .replaceAll("unix:///run/shoal/shoal.sock", "<default>")
            .replace(/ +/g, " "); // Of which a column has as many as its widest cell.
        resolve({ line, exitCode: error === null ? 0 : error.code, stdout: normal(stdout), stderr: normal(stderr) });
      });
    });
  }

  it(`says the same of ${LINES.length} command lines`, async () => {
    for (const line of LINES) {
      const [docker, shoal] = await Promise.all([run("docker", line), run("bin/shoal", line)]);
      assert.deepEqual(shoal, docker);
    }
  });

  it("reads and writes what the docker CLI writes and reads", async () => {
    writeFileSync(join(settings("docker"), "config.json"), '{"psFormat": "x"}');
    const shared = { DOCKER_CONFIG: settings("docker") };
    await run("docker", "context create made-there --docker host=unix:///there");
    await run("bin/shoal", "context create made-here --docker host=unix:///here", shared);
    await run("bin/shoal", "context use made-there", shared);
    const { currentContext, psFormat } = JSON.parse(readFileSync(join(settings("docker"), "config.json"), "utf8")) as Record<
      string,
      string
    >;
    assert.deepEqual([currentContext, psFormat], ["made-there", "x"]);
    for (const line of ["context ls", "context inspect made-here", "context show"]) {
      assert.deepEqual(await run("bin/shoal", line, shared), await run("docker", line));
    }
  });
});
