import assert from "node:assert/strict";
import { BAD_INPUT_CASES } from "./bad-input.cases.ts";
import { Harness } from "./harness.ts";

describe("the API refuses", () => {
  let plain: Harness;
  let manager: Harness;

  before(async () => {
    plain = await Harness.create();
    await plain.call("POST", "/containers/create?name=one", { body: { Image: "busybox", Cmd: ["sleep"] } });
    manager = await Harness.create();
    await manager.call("POST", "/swarm/init", { body: { ListenAddr: "0.0.0.0:2377" } });
    const body = { Name: "web", TaskTemplate: { ContainerSpec: { Image: "busybox" } } };
    await manager.call("POST", "/services/create", { body: { ...body, Name: "other" } });
  });

  after(async () => {
    await plain[Symbol.asyncDispose]();
    await manager[Symbol.asyncDispose]();
  });

  for (const { when, method = "POST", path, body, headers, status, message, onManager, isPlain } of BAD_INPUT_CASES) {
    it(`${method} ${path.split("?")[0]} when ${when}`, async () => {
      const harness = onManager === true ? manager : plain;
      const options = { ...(body === undefined ? {} : { body }), ...(headers === undefined ? {} : { headers }) };
      const reply = await harness.call(method, path, options);
      assert.equal(reply.status, status);
      if (isPlain === true) assert.equal(reply.text, `${message}\n`);
      else assert.deepEqual(reply.json, { message });
    });
  }
});
