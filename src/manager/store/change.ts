export type { Change, Entry, Reliance, TableName, Tables } from "../../model/entry.ts";

/**
 * What `apply` answers. All versions an entry names are compared with the state before that entry, so one entry may put an
 * object several times, each with the same `basedOn`.
 */
export type ApplyResult =
  | {
      readonly kind: "applied";
      readonly index: number /** Of the first time, when the request is a repetition. */;
      readonly result?: Uint8Array;
    }
  | { readonly kind: "refused"; readonly reason: "stale" | "term" | "conflict"; readonly message: string };
