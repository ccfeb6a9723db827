import type { UnlockKey } from "../../model/unlock-key.ts";
import type { NodeIdentity } from "../../ports/certificates.ts";
import type { Random } from "../../ports/random.ts";
import { type DataKey, KEY_BYTES } from "../../system/data-cipher.ts";

/** All that a node has to keep secret: the key of its certificate, and what its manager's data is sealed with. */
export interface NodeKeys {
  readonly identity: NodeIdentity;
  /** Oldest first; the newest seals, older ones are needed until nothing is sealed with them. None on workers. */
  readonly dataKeys: readonly DataKey[];
  /** What they are kept under on disk themselves, as last heard. */
  readonly unlock: UnlockKey;
  /** The certificate's key was on disk for everybody to read before it was locked away: it is to be replaced. */
  readonly isExposed: boolean;
}

/** What a manager tells of the keys. Missing: nothing yet. */
export interface KeyReport {
  /** As its own applied state has it, which may be behind what is known here. */
  readonly unlock?: UnlockKey;
  /** Data keys before this one are needed no more. */
  readonly oldestDataKeyId?: number;
}

const NOT_LOCKED: UnlockKey = { version: 0 };

/** Of a node that is no manager: nothing of it is locked. */
export function workerKeys(identity: NodeIdentity): NodeKeys {
  return { identity, dataKeys: [], unlock: NOT_LOCKED, isExposed: false };
}

/** Of a node that begins as a manager, with data of its own. */
export function managerKeys(identity: NodeIdentity, unlock: UnlockKey, random: Random): NodeKeys {
  return { identity, dataKeys: [nextDataKey([], random)], unlock, isExposed: false };
}

/** With a new certificate, whose key was never on disk. */
export function withIdentity(keys: NodeKeys, identity: NodeIdentity): NodeKeys {
  return { ...keys, identity, isExposed: false };
}

/** For a manager that has data keys already, or that an earlier version started without. */
export function withDataKey(keys: NodeKeys, random: Random): NodeKeys {
  return keys.dataKeys.length > 0 ? keys : { ...keys, dataKeys: [nextDataKey([], random)] };
}

/**
 * What follows from a report; `undefined` when nothing does.
 *
 * With another unlock key comes another data key: who knew the old one, or read the disk while nothing was locked, reads nothing that is
 * written from then on.
 */
export function nextKeys(keys: NodeKeys, { unlock, oldestDataKeyId = 0 }: KeyReport, random: Random): NodeKeys | undefined {
  const needed = keys.dataKeys.filter(({ id }, at) => id >= oldestDataKeyId || at === keys.dataKeys.length - 1);
  // A manager that starts goes through older states again.
  const isNews = unlock !== undefined && unlock.version > keys.unlock.version && !isSameKey(unlock, keys.unlock);
  if (!isNews) return needed.length < keys.dataKeys.length ? { ...keys, dataKeys: needed } : undefined;
  if (unlock.key === undefined) return { ...keys, dataKeys: needed, unlock };
  const isExposed = keys.isExposed || keys.unlock.key === undefined;
  return { ...keys, dataKeys: [...needed, nextDataKey(keys.dataKeys, random)], unlock, isExposed };
}

function nextDataKey(keys: readonly DataKey[], random: Random): DataKey {
  return { id: (keys.at(-1)?.id ?? 0) + 1, key: random.bytes(KEY_BYTES) };
}

function isSameKey({ key: one }: UnlockKey, { key: other }: UnlockKey): boolean {
  if (one === undefined || other === undefined) return one === other;
  return Buffer.compare(one, other) === 0;
}
