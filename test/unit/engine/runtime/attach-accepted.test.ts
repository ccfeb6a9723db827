import assert from "node:assert/strict";
import { attachAccepted } from "../../../../src/engine/runtime/attach-accepted.ts";

const HEADER = "Num       RefCount Protocol Flags    Type St Inode Path\n";
const LISTENING = "0000000018dc7573: 00000002 00000000 00010000 0005 01 3082882 /proc/self/fd/12/attach\n";
const PENDING = "00000000821b52df: 00000003 00000000 00000000 0005 02     0 /proc/self/fd/12/attach\n";
const TAKEN = "00000000821b52df: 00000003 00000000 00000000 0005 03 3081741 /proc/self/fd/12/attach\n";
const OF_OTHERS = "00000000821b52e0: 00000003 00000000 00000000 0001 02     0 /run/other.sock\n";

describe("attachAccepted", () => {
  it("waits while a connection to a conmon is pending", async () => {
    const tables = [HEADER + LISTENING + PENDING, HEADER + LISTENING + PENDING, HEADER + LISTENING + TAKEN];
    let reads = 0;
    await attachAccepted(() => Promise.resolve(tables[reads++] ?? ""));
    assert.equal(reads, 3);
  });

  it("does not wait for what other programs are slow to take", async () => {
    let reads = 0;
    await attachAccepted(() => {
      reads++;
      return Promise.resolve(HEADER + OF_OTHERS + LISTENING);
    });
    assert.equal(reads, 1);
  });
});
