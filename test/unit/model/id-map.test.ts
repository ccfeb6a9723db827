import assert from "node:assert/strict";
import { type IdMap, idMapText, ownerInContainer, ownerOnHost, rootOnHost } from "../../../src/model/id-map.ts";

const MAP: IdMap = {
  uids: [
    { containerId: 0, hostId: 100_000, count: 1000 },
    { containerId: 1000, hostId: 300_000, count: 1 },
  ],
  gids: [{ containerId: 0, hostId: 200_000, count: 65_536 }],
};

describe("an id map", () => {
  it("leads to the host and back", () => {
    for (const [inside, outside] of [
      [
        { uid: 0, gid: 0 },
        { uid: 100_000, gid: 200_000 },
      ],
      [
        { uid: 999, gid: 65_535 },
        { uid: 100_999, gid: 265_535 },
      ],
      [
        { uid: 1000, gid: 1 },
        { uid: 300_000, gid: 200_001 },
      ],
    ] as const) {
      assert.deepEqual(ownerOnHost(MAP, inside), outside);
      assert.deepEqual(ownerInContainer(MAP, outside), inside);
    }
    assert.deepEqual(rootOnHost(MAP), { uid: 100_000, gid: 200_000 });
  });

  it("has no id of the host for one that containers do not have", () => {
    const message = "container ID 1001 cannot be mapped to a host ID";
    assert.throws(() => ownerOnHost(MAP, { uid: 1001, gid: 0 }), { kind: "invalid", message });
    assert.throws(() => ownerOnHost(MAP, { uid: 0, gid: 65_536 }), /container ID 65536 cannot be mapped to a host ID/);
  });

  it("leaves what is nobody's in a container its number on the host", () => {
    assert.deepEqual(ownerInContainer(MAP, { uid: 0, gid: 1000 }), { uid: 0, gid: 1000 });
  });

  it("changes nothing where there is none", () => {
    assert.deepEqual(ownerOnHost(undefined, { uid: 7, gid: 8 }), { uid: 7, gid: 8 });
    assert.deepEqual(rootOnHost(undefined), { uid: 0, gid: 0 });
  });

  it("is written as the kernel reads it", () => assert.equal(idMapText(MAP.uids), "0 100000 1000\n1000 300000 1\n"));
});
