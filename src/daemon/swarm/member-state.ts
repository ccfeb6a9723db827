import type { NodeIdentity } from "../../ports/certificates.ts";
import type { Random } from "../../ports/random.ts";
import type { NodeFiles, NodeRecord } from "./node-files.ts";
import { type KeyReport, nextKeys, type NodeKeys, withDataKey } from "./node-keys.ts";

interface MemberStateOptions {
  readonly files: NodeFiles;
  readonly random: Random;
  readonly record: NodeRecord;
  readonly keys: NodeKeys;
}

/** What a node of a swarm knows of itself, in force and on disk. */
export class MemberState implements AsyncDisposable {
  readonly #files: NodeFiles;
  readonly #random: Random;
  #record: NodeRecord;
  #keys: NodeKeys;
  #kept: NodeKeys;
  #report: KeyReport = {};
  #saving: Promise<void> = Promise.resolve();

  constructor({ files, random, record, keys }: MemberStateOptions) {
    this.#files = files;
    this.#random = random;
    this.#record = record;
    this.#keys = this.#kept = keys;
  }

  get record(): NodeRecord {
    return this.#record;
  }

  /** As they are on disk: only those may seal anything. */
  get keys(): NodeKeys {
    return this.#kept;
  }

  get identity(): NodeIdentity {
    return this.#keys.identity;
  }

  /** In force at once, on disk in order. What failed is on disk with the next. */
  async save(record: NodeRecord, change?: (keys: NodeKeys) => NodeKeys): Promise<void> {
    this.#record = record;
    const next = change?.(this.#keys);
    this.#keys = next ?? this.#keys;
    const save = async () => {
      await this.#files.save(record, next && { next, random: this.#random });
      this.#kept = next ?? this.#kept;
    };
    this.#saving = this.#saving.catch(() => undefined).then(save);
    await this.#saving;
  }

  /** A manager begins: what one before it told counts no more, and it has a key to seal its data with. */
  async prepareManager(record: NodeRecord): Promise<void> {
    this.#report = {};
    if (record !== this.#record || this.#keys.dataKeys.length === 0)
      await this.save(record, keys => withDataKey(keys, this.#random));
  }

  /** The manager tells of keys. */
  hear(report: KeyReport): void {
    this.#report = { ...this.#report, ...report };
  }

  get hasKeysToSettle(): boolean {
    return nextKeys(this.#kept, this.#report, this.#random) !== undefined;
  }

  /** The unlock key of the cluster is another one, or a data key is needed no more. @returns whether it is the former. */
  async settleKeys(): Promise<boolean> {
    const { unlock } = this.#kept;
    await this.save(this.#record, keys => nextKeys(keys, this.#report, this.#random) ?? keys);
    return this.#kept.unlock !== unlock;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#saving;
  }
}
