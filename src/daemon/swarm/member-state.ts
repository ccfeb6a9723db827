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
  #report: KeyReport = {};
  #saving: Promise<void> = Promise.resolve();

  constructor({ files, random, record, keys }: MemberStateOptions) {
    this.#files = files;
    this.#random = random;
    this.#record = record;
    this.#keys = keys;
  }

  get record(): NodeRecord {
    return this.#record;
  }

  /** As they are on disk. */
  get keys(): NodeKeys {
    return this.#keys;
  }

  get identity(): NodeIdentity {
    return this.#keys.identity;
  }

  /** On disk in order, each change on top of the one before. The record is in force at once, keys are once they are on disk. */
  async save(record: NodeRecord, change?: (keys: NodeKeys) => NodeKeys): Promise<void> {
    this.#record = record;
    const save = async () => {
      const next = change?.(this.#keys);
      await this.#files.save(record, next && { next, random: this.#random });
      this.#keys = next ?? this.#keys;
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
    return nextKeys(this.#keys, this.#report, this.#random) !== undefined;
  }

  /** The unlock key of the cluster is another one, or a data key is needed no more. @returns whether it is the former. */
  async settleKeys(): Promise<boolean> {
    const { unlock } = this.#keys;
    await this.save(this.#record, keys => nextKeys(keys, this.#report, this.#random) ?? keys);
    return this.#keys.unlock !== unlock;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#saving;
  }
}
