import assert from "node:assert/strict";
import { type Codec, flag, list, number, optional, record, text, word } from "../../../src/codec/combinators.ts";

interface Port {
  readonly name?: string;
  readonly port: number;
  readonly mode: "host" | "ingress";
  readonly backup?: Port;
  readonly open: boolean;
}
interface WirePort {
  name: string | undefined;
  port: number;
  mode: string;
  backup: WirePort | undefined;
  open: boolean;
}

const last: Codec<Port, WirePort> = record<Port, WirePort>({
  name: optional(text),
  port: number,
  mode: word(["host", "ingress"]),
  backup: optional<Port, WirePort>({ toWire: model => last.toWire(model), fromWire: wire => last.fromWire(wire) }),
  open: flag,
});

describe("codec of a record", () => {
  const small: WirePort = { name: undefined, port: 80, mode: "host", backup: undefined, open: false };

  it("leaves out what is undefined, in whatever place, and nothing else", () => {
    assert.deepEqual(last.fromWire(small), { port: 80, mode: "host", open: false });
    assert.deepEqual(last.fromWire({ ...small, name: "", backup: small }), {
      ...{ name: "", port: 80, mode: "host", open: false },
      backup: { port: 80, mode: "host", open: false },
    });
  });

  it("keeps the order of its fields: some are compared by their JSON", () => {
    const whole = last.fromWire({ open: true, backup: small, mode: "ingress", port: 1, name: "web" });
    assert.deepEqual(Object.keys(whole), ["name", "port", "mode", "backup", "open"]);
    assert.deepEqual(Object.keys(last.toWire(whole)), ["name", "port", "mode", "backup", "open"]);
  });

  it("gives an object of its own, without what it does not know", () => {
    const same = record<{ a: string }, { a: string }>({ a: text });
    const model = { a: "x", b: 1 };
    assert.deepEqual(same.toWire(model), { a: "x" });
    assert.notEqual(same.fromWire(model), model);
  });

  it("refuses unknown words within", () => {
    assert.throws(() => last.fromWire({ ...small, mode: "bridge" }), /unknown word "bridge"/);
    assert.throws(() => list(last).fromWire([{ ...small, backup: { ...small, mode: "" } }]), /unknown word ""/);
  });

  it("takes no name that is not one", () => {
    const fields = { "a; throw 1": text } as unknown as { readonly a: typeof text };
    const wrong = record<{ a: string }, { a: string }>(fields);
    assert.throws(() => wrong.toWire({ a: "x" }), /no field is called a; throw 1/);
  });
});
