import { crc32 } from "node:zlib";
import { OperationError } from "../../lib/errors.ts";
import { UNLOCK_KEY_BYTES } from "../../model/unlock-key.ts";
import type { Random } from "../../ports/random.ts";
import { DataCipher } from "../../system/data-cipher.ts";
import type { NodeKeys } from "./node-keys.ts";

/** A node's keys as they are on disk: for everybody who can read the file, or under the unlock key. */
export type KeyFile = { readonly kind: "open"; readonly keys: NodeKeys } | LockedKeys;

export interface LockedKeys {
  readonly kind: "locked";
  readonly certificatePem: string;
  readonly rootPem: string;
  readonly version: number;
  readonly sealed: Uint8Array;
}

/** Files of the first format have the certificate, its key and the root, and nothing else. */
const FORMAT = 2;
/** There is one key to a file. */
const KEY_ID = 1;

interface Json {
  readonly format?: number;
  readonly certificatePem: string;
  readonly rootPem: string;
  readonly unlockVersion?: number;
  /** Either these, in the open … */
  readonly keyPem?: string;
  readonly dataKeys?: readonly { readonly id: number; readonly key: string }[];
  /** … or this, which holds these. */
  readonly sealed?: string;
  readonly sealedCrc32?: number;
}

type Secrets = Required<Pick<Json, "keyPem" | "dataKeys">> & { readonly isExposed: boolean };

export function formatKeyFile({ identity, dataKeys, unlock, isExposed }: NodeKeys, random: Random): string {
  const { certificatePem, keyPem, rootPem } = identity;
  const readable = { format: FORMAT, certificatePem, rootPem, unlockVersion: unlock.version };
  const encoded = dataKeys.map(({ id, key }) => ({ id, key: toBase64(key) }));
  if (unlock.key === undefined) return JSON.stringify({ ...readable, keyPem, dataKeys: encoded } satisfies Json);
  const secrets: Secrets = { keyPem, dataKeys: encoded, isExposed };
  const sealed = cipherOf(unlock.key, random).seal(Buffer.from(JSON.stringify(secrets)));
  return JSON.stringify({ ...readable, sealed: toBase64(sealed), sealedCrc32: crc32(sealed) } satisfies Json);
}

/** @throws OperationError `internal` for what this version cannot read. */
export function parseKeyFile(text: string): KeyFile {
  const json = parseJson(text);
  const { format = 1, certificatePem, rootPem, unlockVersion: version = 0, keyPem, dataKeys = [], sealed, sealedCrc32 } = json;
  if (format > FORMAT)
    throw new OperationError("internal", `the node's keys are in format ${format}, which a later version wrote`);
  if (sealed !== undefined) {
    const bytes = Buffer.from(sealed, "base64");
    if (crc32(bytes) !== sealedCrc32) throw new OperationError("internal", "the node's keys on disk are damaged");
    return { kind: "locked", certificatePem, rootPem, version, sealed: bytes };
  }
  if (keyPem === undefined) throw new OperationError("internal", "the node's keys on disk are damaged");
  const identity = { certificatePem, keyPem, rootPem };
  return { kind: "open", keys: { identity, dataKeys: decoded(dataKeys), unlock: { version }, isExposed: false } };
}

function parseJson(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch (cause) {
    throw new OperationError("internal", "the node's keys on disk are damaged", { cause });
  }
}

/** `undefined`: it is not the key. The file is whole, as its checksum says. */
export function openKeyFile(locked: LockedKeys, key: Uint8Array, random: Random): NodeKeys | undefined {
  const secrets = opened(locked, key, random);
  if (secrets === undefined) return undefined;
  const { certificatePem, rootPem, version } = locked;
  const { keyPem, dataKeys, isExposed } = secrets;
  const identity = { certificatePem, keyPem, rootPem };
  return { identity, dataKeys: decoded(dataKeys), unlock: { version, key }, isExposed };
}

function opened({ sealed }: LockedKeys, key: Uint8Array, random: Random): Secrets | undefined {
  if (key.length !== UNLOCK_KEY_BYTES) return undefined;
  try {
    return JSON.parse(Buffer.from(cipherOf(key, random).open(sealed)).toString()) as Secrets;
  } catch {
    return undefined;
  }
}

function cipherOf(key: Uint8Array, random: Random): DataCipher {
  return new DataCipher([{ id: KEY_ID, key }], random);
}

function decoded(dataKeys: Secrets["dataKeys"]): NodeKeys["dataKeys"] {
  return dataKeys.map(({ id, key }) => ({ id, key: new Uint8Array(Buffer.from(key, "base64")) }));
}

function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}
