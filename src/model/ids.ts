declare const brand: unique symbol;
type Brand<Name extends string> = string & { readonly [brand]: Name };

/** 25 characters of 0-9a-z, as Swarm's. */
export type ServiceId = Brand<"ServiceId">;
export type RevisionId = Brand<"RevisionId">;
export type TaskId = Brand<"TaskId">;
export type NodeId = Brand<"NodeId">;
export type NetworkId = Brand<"NetworkId">;
export type SecretId = Brand<"SecretId">;
export type ConfigId = Brand<"ConfigId">;
export type ClusterId = Brand<"ClusterId">;
export type SessionId = Brand<"SessionId">;
/** Made where a user's request entered; the same on every retry of it. */
export type RequestId = Brand<"RequestId">;

/** 64 hex digits, as Docker's. */
export type ContainerId = Brand<"ContainerId">;
export type ExecId = Brand<"ExecId">;
/** 64 hex digits: a network of this host, or a cluster network's id (25 characters) on a host that takes part in it. */
export type EngineNetworkId = Brand<"EngineNetworkId">;
/** `sha256:` and 64 hex digits. */
export type Digest = Brand<"Digest">;
export type ImageId = Digest;

export type ClusterObjectId = ServiceId | RevisionId | TaskId | NodeId | NetworkId | SecretId | ConfigId | ClusterId;

const ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz";
const CLUSTER_ID_CHARACTERS = 25;
/** A byte's character, by its code. */
const CODES = Uint8Array.from({ length: 256 }, (_, byte) => ALPHABET.charCodeAt(byte % ALPHABET.length));
const scratch = Buffer.alloc(CLUSTER_ID_CHARACTERS);

/** @param bytes - At least 25 random bytes. */
export function clusterIdFrom<Id extends ClusterObjectId | SessionId | RequestId>(bytes: Uint8Array): Id {
  // A string that grows by a character is three times as slow, and every task has an id.
  for (let index = 0; index < CLUSTER_ID_CHARACTERS; index++) scratch[index] = CODES[bytes[index] ?? 0] ?? 0;
  return scratch.toString("latin1") as Id;
}

/** @param bytes - 32 random bytes. */
export function engineIdFrom<Id extends ContainerId | ExecId | EngineNetworkId>(bytes: Uint8Array): Id {
  return Buffer.from(bytes).toString("hex") as Id;
}

/** Takes text that came from a record, a message or a request. The caller has checked its form, or does not care. */
export function asId<Id extends ClusterObjectId | SessionId | RequestId | ContainerId | ExecId | EngineNetworkId | Digest>(
  text: string,
): Id {
  return text as Id;
}
