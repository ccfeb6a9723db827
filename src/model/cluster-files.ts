import type { ObjectMeta } from "./cluster.ts";
import type { ConfigId, SecretId } from "./ids.ts";

export interface Secret extends ObjectMeta, Reloading {
  readonly id: SecretId;
  readonly spec: FileSpec;
}

export interface Config extends ObjectMeta, Reloading {
  readonly id: ConfigId;
  readonly spec: FileSpec;
}

export interface Reloading {
  /** Tasks that run get data that is newer than theirs, and then this signal; empty: none. Missing: they keep what they have. */
  readonly reloadSignal?: string;
}

export interface FileSpec {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly data: Uint8Array;
  /** Missing: the data is no template. */
  readonly templateDriver?: TemplateDriver;
}

/** What fills in a template, on the node and for each task anew: Go's `text/template`. */
export type TemplateDriver = "golang";
