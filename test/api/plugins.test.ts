import assert from "node:assert/strict";
import { Harness } from "./harness.ts";

describe("managed plugins", () => {
  let harness: Harness;
  before(async () => (harness = await Harness.create()));
  after(() => harness[Symbol.asyncDispose]());

  const LOGINS = [
    [{ username: "someone", password: "right" }, "someone"],
    ["not in base64 at all: {", ""],
    [undefined, ""],
  ] as const;
  for (const [login, username] of LOGINS) {
    it(`ask a registry with ${JSON.stringify(login) ?? "no login"}`, async () => {
      const encoded = typeof login === "object" ? Buffer.from(JSON.stringify(login)).toString("base64url") : login;
      const headers = encoded === undefined ? {} : { "X-Registry-Auth": encoded };
      const { status, json } = await harness.call("GET", "/v1.51/plugins/privileges?remote=some%2Fplugin%3A1", { headers });
      assert.equal(status, 200);
      assert.deepEqual(json, [{ Name: "network", Description: `of some/plugin:1 for ${username}`, Value: ["host"] }]);
    });
  }

  it("are none, and get none", async () => {
    assert.deepEqual((await harness.call("GET", "/plugins")).json, []);
    const { status, json } = await harness.call("POST", "/plugins/pull?remote=some%2Fplugin", { body: [] });
    assert.deepEqual([status, json], [400, { message: "installing a managed plugin is not supported by this engine yet" }]);
  });
});
