import assert from "node:assert/strict";
import { join } from "node:path";
import { Acknowledged, Refused } from "../../faults/acknowledged.ts";
import { FaultHost } from "../../faults/fault-host.ts";
import { settledLeftovers } from "../../faults/leftovers.ts";
import { create, type World } from "../../faults/operation.ts";
import { cleanUp, OPERATIONS } from "../../faults/operations.ts";
import { importBusybox } from "../lab/lab.ts";

const DISK_BYTES = 24 * 1024 * 1024;
/** What cannot be done without room for a record. */
const REFUSED = ["create", "commit", "build", "import", "network create", "volume create", "start on a network"];

describe("an engine whose disk is full", function () {
  this.timeout(60_000);
  let host: FaultHost;
  let known: Acknowledged;
  let called = "runs";
  const at = (name: string): World => ({ host, known, name });
  const inside = (command: string): string =>
    host.inNetwork("nsenter", `--mount=/proc/${host.holderPid}/ns/mnt`, "sh", "-c", command);

  before(async () => {
    host = await FaultHost.up();
    await host.stop();
    const data = join(host.lab.directory, "data");
    inside(`rm -rf ${data}/* && mount -t tmpfs -o size=${DISK_BYTES} tmpfs ${data}`);
    await host.start();
    known = new Acknowledged(host.socket);
    await importBusybox([{ name: "m1", address: "", socket: host.socket }]);
    await create(at("runs"));
    await known.change({ method: "POST", path: "/containers/runs/start" }, ["container:runs", "running"]);
  });
  const rename = async (count: number): Promise<void> => {
    const [from, to] = [called, `runs${count}`];
    await known.change(
      { method: "POST", path: `/containers/${from}/rename?name=${to}` },
      [`container:${from}`, "gone"],
      [`container:${to}`, "running"],
    );
    called = to;
  };
  after(async () => host?.[Symbol.asyncDispose]());

  it("refuses what it cannot record, keeps what it has, and works on when there is room again", async () => {
    const operations = OPERATIONS.filter(({ name }) => REFUSED.includes(name));
    for (const [index, { prepare }] of operations.entries()) await prepare?.(at(`op${index}`));
    await known.compare();
    const fill = join(host.lab.directory, "data", "fill");
    inside(`dd if=/dev/zero of=${fill} bs=4096 2>/dev/null; true`);
    for (const [index, { name, run }] of operations.entries()) {
      await assert.rejects(run(at(`op${index}`)), (error: unknown) => error instanceof Refused && error.status === 500, name);
    }
    // Records that end in the middle of a page: some get in whole, some in part.
    for (let attempt = 0; attempt < 12; attempt++) await rename(attempt).catch(onlyRefused);
    assert.deepEqual(await known.compare(), []);
    inside(`rm ${fill}`);
    assert.deepEqual(await settledLeftovers(host), []);
    for (const [index, { run }] of operations.entries()) await run(at(`op${index}`));
    assert.deepEqual(await known.compare(), []);
    await host.kill();
    await host.start();
    assert.deepEqual(await known.compare(), [], "what was acknowledged after the disk was full is there after a restart");
    for (const index of operations.keys()) await cleanUp(at(`op${index}`));
    assert.deepEqual(await settledLeftovers(host), []);
  });
});

function onlyRefused(error: unknown): void {
  if (!(error instanceof Refused)) throw error;
}
