import assert from "node:assert/strict";
import { request } from "node:http";
import { importBusybox, ok, type TestHost, TestLab, until } from "./lab.ts";

const CONTAINERS = 20;
const LINES_PER_SECOND = 1_000;
const SECONDS = 8;

interface Inspect {
  readonly State: { readonly Status: string; readonly ExitCode: number; readonly StartedAt: string; readonly Pid: number };
  readonly RestartCount: number;
}

describe("a daemon that is killed", function () {
  this.timeout(180_000);
  let lab: TestLab;
  let host: TestHost;

  before(async () => {
    lab = await TestLab.up({ managers: 1, workers: 0, isEmpty: true });
    host = lab.host("m1");
    await importBusybox([host]);
  });
  after(async () => lab?.[Symbol.asyncDispose]());

  it(`leaves ${CONTAINERS} containers running that write ${LINES_PER_SECOND} lines a second each, and none of their lines is lost or doubled`, async () => {
    // Bursts of a tenth of a second: busybox has no finer clock that costs nothing.
    const perBurst = LINES_PER_SECOND / 10;
    const bursts = SECONDS * 10;
    const script = `b=0; while [ $b -lt ${bursts} ]; do seq $((b * ${perBurst} + 1)) $(((b + 1) * ${perBurst})); b=$((b + 1)); usleep 100000; done; exit 7`;
    const ids = await Promise.all(
      Array.from({ length: CONTAINERS }, (_, index) => start(`writer${index}`, ["sh", "-c", script])),
    );
    const before = await Promise.all(ids.map(id => ok<Inspect>(host, "GET", `/containers/${id}/json`)));
    await lab.do("kill", "m1");
    await new Promise(resolve => setTimeout(resolve, 1_500)); // They write on while no daemon is there.
    await lab.do("restart", "m1");
    await until(
      "all have ended",
      60_000,
      async () => (await ok<readonly unknown[]>(host, "GET", "/containers/json")).length === 0,
    );
    for (const [index, id] of ids.entries()) {
      const { State, RestartCount } = await ok<Inspect>(host, "GET", `/containers/${id}/json`);
      assert.deepEqual(
        { exitCode: State.ExitCode, restarts: RestartCount, startedAt: State.StartedAt },
        { exitCode: 7, restarts: 0, startedAt: before[index]?.State.StartedAt },
      );
      const lines = (await logs(id)).split("\n").slice(0, -1);
      assert.equal(lines.length, LINES_PER_SECOND * SECONDS);
      const wrong = lines.findIndex((line, at) => line !== String(at + 1));
      assert.equal(wrong, -1, `line ${wrong + 1} is ${lines[wrong]}`);
    }
  });

  it("finds all exited with 255 after a power loss", async () => {
    const ids = await Promise.all(Array.from({ length: 5 }, (_, index) => start(`lost${index}`, ["sleep", "1000"])));
    await lab.do("crash", "m1");
    await lab.do("restart", "m1");
    for (const id of ids) {
      const { State } = await ok<Inspect>(host, "GET", `/containers/${id}/json`);
      assert.deepEqual(
        { status: State.Status, exitCode: State.ExitCode, pid: State.Pid },
        { status: "exited", exitCode: 255, pid: 0 },
      );
    }
  });

  async function start(name: string, command: readonly string[]): Promise<string> {
    const { Id } = await ok<{ Id: string }>(host, "POST", `/containers/create?name=${name}`, { Image: "busybox", Cmd: command });
    await ok(host, "POST", `/containers/${Id}/start`);
    return Id;
  }

  function logs(id: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const outgoing = request({ socketPath: host.socket, path: `/containers/${id}/logs?stdout=1`, agent: false }, response => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", reject);
        response.on("end", () => resolve(withoutFrames(Buffer.concat(chunks))));
      });
      outgoing.on("error", reject);
      outgoing.end();
    });
  }
});

function withoutFrames(bytes: Buffer): string {
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = bytes.readUInt32BE(at + 4);
    pieces.push(bytes.subarray(at + 8, at + 8 + length));
    at += 8 + length;
  }
  return Buffer.concat(pieces).toString("utf8");
}
