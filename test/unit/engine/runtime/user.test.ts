import assert from "node:assert/strict";
import { resolveUser } from "../../../../src/engine/runtime/oci/user.ts";

const passwd = [
  "root:x:0:0:root:/root:/bin/sh",
  "# a comment",
  "",
  "www:x:33:33::/var/www:",
  "1000:x:77:78::/odd:",
  "broken",
].join("\n");
const group = ["root:x:0:", "www:x:33:", "disk:x:6:www,other", "audio:x:29:www", "1000:x:88:", "staff:x:50:root"].join("\n");

describe("resolveUser", () => {
  const cases = [
    { user: "", is: { uid: 0, gid: 0, additionalGids: [0, 50], home: "/root" } },
    { user: "root", is: { uid: 0, gid: 0, additionalGids: [0, 50], home: "/root" } },
    { user: "www", is: { uid: 33, gid: 33, additionalGids: [33, 6, 29], home: "/var/www" } },
    { user: "33", is: { uid: 33, gid: 33, additionalGids: [33, 6, 29], home: "/var/www" } },
    { user: "www:disk", is: { uid: 33, gid: 6, additionalGids: [6], home: "/var/www" } },
    { user: "1000", is: { uid: 1000, gid: 0, additionalGids: [0], home: "/" } },
    { user: "1000:1000", is: { uid: 1000, gid: 1000, additionalGids: [1000], home: "/" } },
    { user: ":6", is: { uid: 0, gid: 6, additionalGids: [6], home: "/root" } },
    { user: "4000:4001", is: { uid: 4000, gid: 4001, additionalGids: [4001], home: "/" } },
  ];
  for (const { user, is } of cases) {
    it(`takes "${user}" for uid ${is.uid}, gid ${is.gid}`, () => {
      assert.deepEqual(resolveUser({ user, groupAdd: [], passwd, group }), is);
    });
  }

  it("adds groups by name and number", () => {
    const { additionalGids } = resolveUser({ user: "www", groupAdd: ["staff", "4242", "disk"], passwd, group });
    assert.deepEqual(additionalGids, [33, 6, 29, 50, 4242]);
  });

  it("works without the files", () => {
    assert.deepEqual(resolveUser({ user: "5", groupAdd: [], passwd: "", group: "" }), {
      uid: 5,
      gid: 0,
      additionalGids: [0],
      home: "/",
    });
  });

  const refused = [
    { user: "nobody", says: "unable to find user nobody: no matching entries in passwd file" },
    { user: "root:nogroup", says: "unable to find group nogroup: no matching entries in group file" },
    { user: "4294967295", says: "uids and gids must be in range 0-2147483647" },
  ];
  for (const { user, says } of refused) {
    it(`refuses "${user}"`, () => {
      assert.throws(() => resolveUser({ user, groupAdd: [], passwd, group }), { kind: "invalid", message: says });
    });
  }
});
