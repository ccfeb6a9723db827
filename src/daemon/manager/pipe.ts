import type { UnlockKey } from "../../model/unlock-key.ts";
import type { NodeIdentity } from "../../ports/certificates.ts";
import type { DataKey } from "../../system/data-cipher.ts";
import type { KeyReport } from "../swarm/node-keys.ts";

// What `shoald` and its manager process tell each other, a line each. Secrets go this way: they are in no argument, no file, no socket.

/** What `shoald` writes to the manager's stdin. When the pipe closes instead, the manager ends at once. */
export const MANAGER_COMMANDS = {
  /** Hand leadership over, stop, exit 0. */
  stop: "stop",
  /** Followed by `ManagerKeys`: first of all, and again whenever they change. */
  keys: "keys",
  /** Followed by the level that its log has from now on. */
  logLevel: "log-level",
} as const;

/** The file that the manager tells of keys on. */
export const REPORTS_FD = 3;

export interface ManagerKeys {
  readonly identity: NodeIdentity;
  readonly dataKeys: readonly DataKey[];
}

interface KeysJson {
  readonly identity: NodeIdentity;
  readonly dataKeys: readonly { readonly id: number; readonly key: string }[];
}

interface ReportJson {
  readonly unlock?: { readonly version: number; readonly key?: string };
  readonly oldestDataKeyId?: number;
}

export function formatKeys({ identity, dataKeys }: ManagerKeys): string {
  const json: KeysJson = { identity, dataKeys: dataKeys.map(({ id, key }) => ({ id, key: toBase64(key) })) };
  return JSON.stringify(json);
}

export function parseKeys(line: string): ManagerKeys {
  const { identity, dataKeys } = JSON.parse(line) as KeysJson;
  return { identity, dataKeys: dataKeys.map(({ id, key }) => ({ id, key: fromBase64(key) })) };
}

export function formatReport({ unlock, oldestDataKeyId }: KeyReport): string {
  const json: ReportJson = {
    ...(unlock && { unlock: { version: unlock.version, ...(unlock.key && { key: toBase64(unlock.key) }) } }),
    ...(oldestDataKeyId !== undefined && { oldestDataKeyId }),
  };
  return JSON.stringify(json);
}

export function parseReport(line: string): KeyReport {
  const { unlock, oldestDataKeyId } = JSON.parse(line) as ReportJson;
  return { ...(unlock && { unlock: unlockKeyFrom(unlock) }), ...(oldestDataKeyId !== undefined && { oldestDataKeyId }) };
}

function unlockKeyFrom({ version, key }: NonNullable<ReportJson["unlock"]>): UnlockKey {
  return { version, ...(key !== undefined && { key: fromBase64(key) }) };
}

function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}

function fromBase64(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, "base64"));
}
