import assert from "node:assert/strict";
import { Opener, Sealer, withSecrets } from "../../../src/rpc/sealing.ts";
import type { SessionDown } from "../../../src/model/session.ts";

const text = (data: Uint8Array): string => Buffer.from(data).toString();

describe("sealed secrets", () => {
  it("are opened in their order by the session that they were sealed for, and never look the same twice", () => {
    const opener = new Opener();
    const sealer = new Sealer(opener.publicKey);
    const sealed = ["a", "a", ""].map(data => sealer.seal(Buffer.from(data)));
    assert.equal(new Set(sealed.map(data => Buffer.from(data).subarray(-17).toString("hex"))).size, 3);
    assert.deepEqual(
      sealed.map(data => text(opener.open(data))),
      ["a", "a", ""],
    );
  });

  it("are opened by nobody else, not twice, and not when a bit has changed", () => {
    const opener = new Opener();
    const sealer = new Sealer(opener.publicKey);
    const first = sealer.seal(Buffer.from("secret"));
    assert.throws(() => new Opener().open(first), { kind: "internal" });
    assert.equal(text(opener.open(first)), "secret");
    assert.throws(() => opener.open(first), { kind: "internal" });
    const other = new Opener();
    const changed = Buffer.from(new Sealer(other.publicKey).seal(Buffer.from("secret")));
    changed[changed.length - 1] = (changed.at(-1) ?? 0) ^ 1;
    assert.throws(() => other.open(changed), { kind: "internal" });
  });

  it("are for whoever names a key", () => assert.throws(() => new Sealer("no key"), { kind: "invalid" }));

  it("are all that changes in a message", () => {
    const secret = { kind: "secret", secret: { id: "s", data: Buffer.from("x") } } as const;
    const config = { kind: "config", config: { id: "c", data: Buffer.from("x") } } as const;
    const message: SessionDown = {
      kind: "assignments",
      assignments: { sequence: 1, isFull: true, put: [secret, config], removed: [] },
    };
    const changed = withSecrets(message, () => Buffer.from("y"));
    assert.ok(changed.kind === "assignments");
    assert.deepEqual(changed.assignments.put, [{ ...secret, secret: { id: "s", data: Buffer.from("y") } }, config]);
    assert.equal(withSecrets({ kind: "role", role: "worker" }, () => assert.fail()).kind, "role");
  });
});
