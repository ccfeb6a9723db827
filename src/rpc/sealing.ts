import {
  createCipheriv,
  createDecipheriv,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  hkdfSync,
  type KeyObject,
} from "node:crypto";
import { defined } from "../lib/assert.ts";
import { OperationError } from "../lib/errors.ts";
import type { SessionDown } from "../model/session.ts";

/**
 * Secrets are sealed once more within TLS: what TLS and gRPC leave behind in a worker's memory is of no use, and what was opened
 * is wiped. Each secret has a key of its own, made from the one before, which is wiped in turn; so a key that is found
 * later opens nothing that came earlier.
 */
const CIPHER = "aes-256-gcm";
const KEY_BYTES = 32;
const TAG_BYTES = 16;
/** Each key is used once. */
const NONCE = Buffer.alloc(12);
/** An X25519 key in DER. */
const PUBLIC_BYTES = 44;
/** What every X25519 key in DER begins with (RFC 8410). */
const DER_HEAD = Buffer.from("302a300506032b656e032100", "hex");

/** The metadata of a session's call that names the worker's key: base 64, DER. */
export const SEAL_KEY = "seal-key";

/** One key after the other, on both sides. */
class KeyChain {
  #next: Buffer;

  constructor(own: KeyObject, other: KeyObject) {
    const shared = diffieHellman({ privateKey: own, publicKey: other });
    this.#next = derived(shared, "first");
  }

  /** Uses the next key, and wipes it. */
  use<T>(work: (key: Buffer) => T): T {
    const key = this.#next;
    this.#next = derived(key, "next");
    const once = derived(key, "secret");
    key.fill(0);
    try {
      return work(once);
    } finally {
      once.fill(0);
    }
  }
}

/** Derives keys, once there is a secret: most of thousands of sessions never have one. The manager's end. */
export class Sealer {
  readonly #workerKey: Buffer;
  #chain: KeyChain | undefined;

  /** @param workerKey - As the metadata has it. @throws OperationError `invalid` when it is no key. */
  constructor(workerKey: string) {
    this.#workerKey = Buffer.from(workerKey, "base64");
    const isKey = this.#workerKey.length === PUBLIC_BYTES && this.#workerKey.subarray(0, DER_HEAD.length).equals(DER_HEAD);
    if (!isKey) throw notAKey();
  }

  /** @throws OperationError `invalid` for a key that gives no secret. */
  seal(data: Uint8Array): Uint8Array {
    const introduction = this.#chain === undefined ? this.#begin() : Buffer.alloc(0);
    return defined(this.#chain, "a key").use(key => {
      const cipher = createCipheriv(CIPHER, key, NONCE);
      const sealed = Buffer.concat([cipher.update(data), cipher.final()]);
      return Buffer.concat([introduction, cipher.getAuthTag(), sealed]);
    });
  }

  /** @returns this end's public key, which goes with the first secret. */
  #begin(): Buffer {
    const { publicKey, privateKey } = generateKeyPairSync("x25519");
    this.#chain = new KeyChain(privateKey, publicKeyFrom(this.#workerKey));
    return publicKey.export({ type: "spki", format: "der" });
  }
}

/** The worker's end. */
export class Opener {
  readonly publicKey: string;
  #privateKey: KeyObject | undefined;
  #chain: KeyChain | undefined;

  constructor() {
    const { publicKey, privateKey } = generateKeyPairSync("x25519");
    this.publicKey = publicKey.export({ type: "spki", format: "der" }).toString("base64");
    this.#privateKey = privateKey;
  }

  /** @throws OperationError `internal` when it is not what was sealed, or not in its order. */
  open(sealed: Uint8Array): Uint8Array {
    let rest = Buffer.from(sealed);
    if (this.#privateKey !== undefined) {
      this.#chain = new KeyChain(this.#privateKey, publicKeyFrom(rest.subarray(0, PUBLIC_BYTES)));
      this.#privateKey = undefined;
      rest = rest.subarray(PUBLIC_BYTES);
    }
    const opened = this.#chain?.use(key => decrypted(key, rest));
    if (opened === undefined) throw new OperationError("internal", "a secret came broken");
    return opened;
  }
}

function decrypted(key: Buffer, sealed: Buffer): Buffer | undefined {
  const decipher = createDecipheriv(CIPHER, key, NONCE);
  try {
    decipher.setAuthTag(sealed.subarray(0, TAG_BYTES));
    const opened = decipher.update(sealed.subarray(TAG_BYTES)); // One piece: a stream cipher keeps nothing back.
    decipher.final();
    return opened;
  } catch {
    return undefined;
  }
}

function derived(key: Buffer, purpose: string): Buffer {
  return Buffer.from(hkdfSync("sha256", key, "", `shoal ${purpose}`, KEY_BYTES));
}

function publicKeyFrom(der: Buffer): KeyObject {
  try {
    return createPublicKey({ key: der, type: "spki", format: "der" });
  } catch (cause) {
    throw notAKey(cause);
  }
}

function notAKey(cause?: unknown): OperationError {
  return new OperationError("invalid", "the session's key for secrets is none", { cause });
}

/** A message with its secrets as `change` makes them. */
export function withSecrets(message: SessionDown, change: (data: Uint8Array) => Uint8Array): SessionDown {
  if (message.kind !== "assignments" || !message.assignments.put.some(({ kind }) => kind === "secret")) return message;
  const put = message.assignments.put.map(each =>
    each.kind === "secret" ? { ...each, secret: { ...each.secret, data: change(each.secret.data) } } : each,
  );
  return { ...message, assignments: { ...message.assignments, put } };
}
