import { entryBytes } from "../../codec/entry.ts";
import type { Proposals } from "../../manager/store/proposals.ts";
import type { Store } from "../../manager/store/store.ts";

/** The entry that founds the cluster, until it is in the log. */
export interface InitialEntryFile {
  loadInitialEntry(): Promise<Uint8Array | undefined>;
  removeInitialEntry(): Promise<void>;
}

/** The founder's first act as leader; done once, whatever is interrupted. Then it waits for the end of the term. */
export async function foundCluster({
  files,
  store,
  propose,
  signal,
}: {
  readonly files: InitialEntryFile;
  readonly store: Store;
  readonly propose: Proposals["propose"];
  readonly signal: AbortSignal;
}): Promise<void> {
  const bytes = await files.loadInitialEntry();
  if (bytes !== undefined) {
    if (store.view().count("cluster") === 0) await propose(entryBytes.decode(bytes), { signal });
    // It holds the root's key, which from now on is in the replicated state alone.
    await files.removeInitialEntry();
  }
  await new Promise<void>(resolve => signal.addEventListener("abort", () => resolve(), { once: true }));
}
