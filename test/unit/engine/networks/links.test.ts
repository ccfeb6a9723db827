import assert from "node:assert/strict";
import { withAddress } from "../../../../src/engine/networks/legacy-links.ts";
import { linkedNames, parseLink } from "../../../../src/engine/networks/links.ts";

describe("links", () => {
  for (const [text, target, alias] of [
    ["db", "db", "db"],
    ["db:database", "db", "database"],
    ["/db:/web/database", "db", "database"],
  ] as const) {
    it(`reads ${text}`, () => assert.deepEqual(parseLink(text), { target, alias }));
  }

  for (const [text, message] of [
    ["", "empty string specified for links"],
    ["a:b:c", "bad format for links: a:b:c"],
  ] as const) {
    it(`refuses ${JSON.stringify(text)}`, () => assert.throws(() => parseLink(text), { kind: "invalid", message }));
  }

  it("knows no case", () => assert.deepEqual(linkedNames(["db:Database", "cache"]), { database: "db", cache: "cache" }));

  it("changes the address of the alias's line alone", () => {
    const hosts = "127.0.0.1\tlocalhost\n172.17.0.2\tdb 4fa1 box\n172.17.0.3\tdb2\n# 172.17.0.2\tdb\n";
    assert.equal(
      withAddress(hosts, { alias: "db", address: "172.17.0.9" }),
      "127.0.0.1\tlocalhost\n172.17.0.9\tdb 4fa1 box\n172.17.0.3\tdb2\n# 172.17.0.2\tdb\n",
    );
  });
});
