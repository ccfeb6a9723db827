import assert from "node:assert/strict";
import { DataCipher } from "../../../src/system/data-cipher.ts";
import { systemRandom } from "../../../src/system/random.ts";

const key = (id: number) => ({ id, key: new Uint8Array(32).fill(id) });
const text = Buffer.from("what is in a secret");
const unsealed = (cipher: DataCipher, sealed: Uint8Array) => Buffer.from(cipher.open(sealed)).toString();

describe("DataCipher", () => {
  it("opens what it or another with the same key sealed, and shows nothing of it", () => {
    const cipher = new DataCipher([key(1)], systemRandom);
    for (const plain of [text, Buffer.alloc(0), Buffer.alloc(100_000, 7)]) {
      const sealed = cipher.seal(plain);
      assert.ok(plain.length === 0 || !Buffer.from(sealed).includes(plain));
      assert.deepEqual(Buffer.from(new DataCipher([key(1)], systemRandom).open(sealed)), plain);
    }
  });

  it("never seals the same twice in the same way, nor as another instance does", () => {
    const ciphers = [1, 2].map(() => new DataCipher([key(1)], systemRandom));
    const sealed = ciphers.flatMap(cipher => [1, 2, 3].map(() => Buffer.from(cipher.seal(text)).toString("hex")));
    assert.equal(new Set(sealed.map(hex => hex.slice(56))).size, sealed.length, "behind the header too");
  });

  it("refuses a changed bit anywhere, what was cut, and another key of the same number", () => {
    const cipher = new DataCipher([key(1)], systemRandom);
    const sealed = cipher.seal(text);
    for (let at = 0; at < sealed.length; at++) {
      const changed = Uint8Array.from(sealed);
      changed[at] = (changed[at] ?? 0) ^ 1;
      assert.throws(() => cipher.open(changed), /does not open|which is not here/, `byte ${at}`);
      assert.throws(() => cipher.open(sealed.subarray(0, at)), /does not open|cut off/, `cut at ${at}`);
    }
    const other = new DataCipher([{ id: 1, key: new Uint8Array(32).fill(9) }], systemRandom);
    assert.throws(() => other.open(sealed), /does not open/);
  });

  it("seals with the newest key and opens with any that it has", () => {
    const cipher = new DataCipher([key(2), key(1)], systemRandom);
    const old = new DataCipher([key(1)], systemRandom).seal(text);
    const sealed = cipher.seal(text);
    assert.deepEqual([cipher.keyId, cipher.keyIdOf(sealed), cipher.keyIdOf(old)], [2, 2, 1]);
    assert.equal(unsealed(cipher, old), text.toString());
    cipher.use([key(2), key(3)]);
    assert.deepEqual([cipher.keyId, cipher.keyIdOf(cipher.seal(text))], [3, 3]);
    assert.equal(unsealed(cipher, sealed), text.toString());
    assert.throws(() => cipher.open(old), /it is sealed with data key 1, which is not here/);
  });

  it("seals nothing without a key", () => {
    assert.throws(() => new DataCipher([], systemRandom), /there is no key to seal data with/);
  });
});
