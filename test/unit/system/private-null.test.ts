import assert from "node:assert/strict";
import { fchmodSync, fstatSync, readlinkSync, readSync, statSync, writeSync } from "node:fs";
import { openPrivateNull } from "../../../src/system/private-null.ts";
import { skip } from "../../skip.ts";

describe("a null device of one's own", () => {
  before(function () {
    if (process.getuid?.() !== 0) skip(this, "needs root");
  });

  it("reads as nothing, takes everything, and is called /dev/null", () => {
    using device = openPrivateNull();
    assert.deepEqual([readSync(device.fd, Buffer.alloc(1)), writeSync(device.fd, "text")], [0, 4]);
    assert.equal(readlinkSync(`/proc/self/fd/${device.fd}`), "/dev/null");
    const { rdev, mode } = fstatSync(device.fd);
    assert.deepEqual([rdev, mode & 0o777], [statSync("/dev/null").rdev, 0o666]);
  });

  it("is nobody else's", () => {
    using one = openPrivateNull();
    using other = openPrivateNull();
    fchmodSync(one.fd, 0o600);
    const modes = [fstatSync(other.fd), statSync("/dev/null")].map(({ mode }) => mode & 0o777);
    assert.deepEqual(modes, [0o666, 0o666]);
  });
});
