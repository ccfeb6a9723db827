import { createCipheriv, createDecipheriv, hkdfSync } from "node:crypto";
import { OperationError } from "../lib/errors.ts";
import type { Random } from "../ports/random.ts";

/** A key that data on disk is sealed with. */
export interface DataKey {
  /** Counted upwards from 1. */
  readonly id: number;
  /** 32 bytes. */
  readonly key: Uint8Array;
}

const ALGORITHM = "aes-256-gcm";
export const KEY_BYTES = 32;
const SALT_BYTES = 16;
const COUNTER_BYTES = 8;
/** Key number, salt, counter: readable, and covered by the tag. */
const HEADER_BYTES = 4 + SALT_BYTES + COUNTER_BYTES;
const TAG_BYTES = 16;
const NONCE_BYTES = 12;
const PURPOSE = "shoal data at rest";
/** Each process that wrote has salts of its own; those of a log are few. */
const DERIVED_MAX = 256;

/**
 * AES-256-GCM for what is kept on disk. It seals with its newest key and opens with any of them.
 *
 * Each instance derives a key of its own from a random salt, and counts: no nonce ever comes twice under one key, however often and for
 * however long data is sealed. (Random nonces under one key would be safe for 2^32 records only.)
 */
export class DataCipher {
  readonly #random: Random;
  #keys: ReadonlyMap<number, Uint8Array> = new Map();
  #newest: { readonly id: number; readonly salt: Uint8Array; readonly derived: Uint8Array } | undefined;
  #counter = 0n;
  readonly #derived = new Map<string, Uint8Array>();

  constructor(keys: readonly DataKey[], random: Random) {
    this.#random = random;
    this.use(keys);
  }

  /** From now on these keys, and no others. */
  use(keys: readonly DataKey[]): void {
    this.#keys = new Map(keys.map(({ id, key }) => [id, key]));
    this.#derived.clear();
    const newest = keys.reduce<DataKey | undefined>(
      (best, each) => (best === undefined || each.id > best.id ? each : best),
      undefined,
    );
    if (newest === undefined) throw new OperationError("internal", "there is no key to seal data with");
    if (newest.id === this.#newest?.id) return;
    const salt = this.#random.bytes(SALT_BYTES);
    this.#newest = { id: newest.id, salt, derived: derive(newest.key, salt) };
    this.#counter = 0n;
  }

  /** The number of the key that seals. */
  get keyId(): number {
    return this.#sealing.id;
  }

  get #sealing() {
    if (this.#newest === undefined) throw new OperationError("internal", "there is no key to seal data with");
    return this.#newest;
  }

  seal(plain: Uint8Array): Uint8Array {
    const { id, salt, derived } = this.#sealing;
    const header = Buffer.alloc(HEADER_BYTES);
    header.writeUInt32LE(id, 0);
    header.set(salt, 4);
    header.writeBigUInt64LE(this.#counter++, 4 + SALT_BYTES);
    const cipher = createCipheriv(ALGORITHM, derived, nonceOf(header)).setAAD(header);
    return Buffer.concat([header, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
  }

  /** @throws OperationError `internal` when there is no such key, the key is another one, or a bit has changed. */
  open(sealed: Uint8Array): Uint8Array {
    const header = headerOf(sealed);
    const decipher = createDecipheriv(ALGORITHM, this.#derivedFor(header), nonceOf(header));
    decipher.setAAD(header).setAuthTag(sealed.subarray(sealed.length - TAG_BYTES));
    try {
      return Buffer.concat([decipher.update(sealed.subarray(HEADER_BYTES, sealed.length - TAG_BYTES)), decipher.final()]);
    } catch (cause) {
      throw new OperationError("internal", "sealed data does not open: it was changed, or the key is another one", { cause });
    }
  }

  keyIdOf(sealed: Uint8Array): number {
    return headerOf(sealed).readUInt32LE(0);
  }

  #derivedFor(header: Buffer): Uint8Array {
    const id = header.readUInt32LE(0);
    const key = this.#keys.get(id);
    if (key === undefined) throw new OperationError("internal", `it is sealed with data key ${id}, which is not here`);
    const salt = header.subarray(4, 4 + SALT_BYTES);
    const name = `${id} ${salt.toString("hex")}`;
    const known = this.#derived.get(name);
    if (known !== undefined) return known;
    if (this.#derived.size >= DERIVED_MAX) this.#derived.clear();
    const derived = derive(key, salt);
    this.#derived.set(name, derived);
    return derived;
  }
}

function headerOf(sealed: Uint8Array): Buffer {
  if (sealed.length < HEADER_BYTES + TAG_BYTES) throw new OperationError("internal", "sealed data was cut off");
  return Buffer.from(sealed.buffer, sealed.byteOffset, HEADER_BYTES);
}

function nonceOf(header: Buffer): Uint8Array {
  const nonce = new Uint8Array(NONCE_BYTES);
  nonce.set(header.subarray(4 + SALT_BYTES), NONCE_BYTES - COUNTER_BYTES);
  return nonce;
}

function derive(key: Uint8Array, salt: Uint8Array): Uint8Array {
  return new Uint8Array(hkdfSync("sha256", key, salt, PURPOSE, KEY_BYTES));
}
