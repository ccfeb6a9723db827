import assert from "node:assert/strict";
import { execFile, execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { closeSync, createReadStream, mkdirSync, openSync, readFileSync, readSync, rmSync } from "node:fs";
import { promisify } from "node:util";
import { call, importBusybox, ok, runningTasks, serviceSpec, type TestHost, TestLab, until } from "./lab.ts";

const run = promisify(execFile);
const SETTLE_MS = 20_000;
const DISK = "/var/tmp/shoal-secret-traces.img";
const CHUNK_BYTES = 4 * 1024 * 1024;

/** Every form in which the secret could lie about. */
function formsOf(secret: string): readonly Buffer[] {
  const plain = Buffer.from(secret);
  return [
    plain,
    Buffer.from(secret, "utf16le"),
    Buffer.from(plain.toString("base64").slice(0, -4)),
    Buffer.from(plain.toString("hex")),
  ];
}

/** Whether the secret is in a stream of bytes, also across its pieces. */
async function isIn(chunks: AsyncIterable<Buffer>, secret: string): Promise<boolean> {
  const forms = formsOf(secret);
  let tail = Buffer.alloc(0);
  for await (const chunk of chunks) {
    const bytes = Buffer.concat([tail, chunk]);
    if (forms.some(form => bytes.includes(form))) return true;
    tail = Buffer.from(bytes.subarray(-256));
  }
  return false;
}

/** What a core dump of the process would hold: all of its memory that can be read and is its own. */
async function* memoryOf(pid: number): AsyncGenerator<Buffer> {
  const memory = openSync(`/proc/${pid}/mem`, "r");
  try {
    for (const line of readFileSync(`/proc/${pid}/maps`, "utf8").split("\n")) {
      const [, from = "", to = "", rights = "", path = ""] =
        /^([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ \S+\s*(.*)$/.exec(line) ?? [];
      if (!rights.startsWith("rw") || path.startsWith("[v")) continue;
      const end = Number.parseInt(to, 16);
      for (let at = Number.parseInt(from, 16); at < end; at += CHUNK_BYTES) {
        const chunk = Buffer.alloc(Math.min(CHUNK_BYTES, end - at));
        try {
          yield chunk.subarray(0, readSync(memory, chunk, 0, chunk.length, at));
        } catch {
          break; // Reserved, but there is nothing behind it.
        }
      }
    }
  } finally {
    closeSync(memory);
  }
}

describe("a secret on a worker", function () {
  this.timeout(90_000);
  /** Drawn anew: nothing of an earlier run is found. The test's own process does not count. */
  const secret = `marker-${randomBytes(24).toString("hex")}`;
  let lab: TestLab;
  let m1: TestHost;
  let w1: TestHost;
  let directory: string | undefined;

  before(async () => {
    // A disk of its own, so that what was deleted on it is found too.
    await run("sh", ["-c", `truncate -s 512M ${DISK} && mkfs.ext4 -q -F ${DISK}`]);
    lab = await TestLab.up({
      ...{ managers: 1, workers: 1 },
      beforeBoot: name => {
        directory = `/var/lib/shoal-lab/${name}/w1`;
        mkdirSync(`${directory}/data`, { recursive: true });
        execFileSync("mount", ["-o", "loop", DISK, `${directory}/data`]);
      },
    });
    [m1, w1] = [lab.host("m1"), lab.host("w1")];
    await importBusybox([w1]);
  });
  after(async () => {
    // The hosts have it until they end.
    if (directory !== undefined) await run("umount", ["-l", `${directory}/data`]);
    await lab?.[Symbol.asyncDispose]();
    rmSync(DISK, { force: true });
  });

  const pid = (): number => Number(readFileSync(`${directory}/shoald.pid`, "utf8"));
  const onDisk = () => run("sync").then(() => isIn(createReadStream(DISK, { highWaterMark: CHUNK_BYTES }), secret));
  const inMemory = () => isIn(memoryOf(pid()), secret);

  it("is in memory while its task runs, and nowhere afterwards: not in the daemon's memory, on no disk, in no log, in no answer", async () => {
    const { ID } = await ok<{ ID: string }>(m1, "POST", "/secrets/create", {
      Name: "password",
      Data: Buffer.from(secret).toString("base64"),
    });
    const spec = serviceSpec("tenant", { replicas: 1, command: ["sleep", "1000"], constraints: ["node.hostname==w1"] }) as {
      TaskTemplate: { ContainerSpec: Record<string, unknown> };
    };
    const File = { Name: "password", UID: "0", GID: "0", Mode: 0o400 };
    spec.TaskTemplate.ContainerSpec["Secrets"] = [{ SecretID: ID, SecretName: "password", File }];
    const { ID: service } = await ok<{ ID: string }>(m1, "POST", "/services/create", spec);
    await until("its task runs", SETTLE_MS, async () => (await runningTasks(m1, "tenant")).length === 1);
    const [container] = await ok<readonly { readonly Id: string }[]>(w1, "GET", "/containers/json");
    const inspected = await ok<{ readonly State: { readonly Pid: number } }>(w1, "GET", `/containers/${container?.Id}/json`);
    // Not through the daemon: it is to know nothing of it but what it does by itself.
    assert.equal(readFileSync(`/proc/${inspected.State.Pid}/root/run/secrets/password`, "utf8"), secret);
    assert.equal(await inMemory(), true, "the search finds what is there");
    const told = [
      inspected,
      await ok(m1, "GET", `/secrets/${ID}`),
      await ok(m1, "GET", `/services/${service}`),
      await ok(m1, "GET", "/tasks"),
    ];
    assert.equal(JSON.stringify(told).includes(secret), false);

    await ok(m1, "DELETE", `/services/${service}`);
    await until("its container is gone", SETTLE_MS, async () => {
      return (await ok<readonly unknown[]>(w1, "GET", "/containers/json?all=true")).length === 0;
    });
    await until("its file is gone", SETTLE_MS, async () => (await lab.sh("w1", "ls /run/shoal/task-files")).trim() === "");
    await until("the daemon has forgotten it", SETTLE_MS, async () => !(await inMemory()));
    assert.equal(await onDisk(), false);
    for (const host of ["m1", "w1"]) {
      const logs = await lab.sh(host, `cat /var/lib/shoal-lab/${lab.name}/${host}/*.log`);
      assert.equal(logs.includes(secret), false, `the log of ${host}`);
    }
    assert.equal((await call(w1, "GET", "/info")).status, 200);
  });
});
