import { createHash } from "node:crypto";
import { asId, type Digest } from "../../model/ids.ts";

/** The name of each layer together with all below it. @see OCI image-spec config.md, "Layer ChainID". */
export function chainIds(diffIds: readonly Digest[]): readonly Digest[] {
  const chain: Digest[] = [];
  for (const diffId of diffIds) {
    const below = chain.at(-1);
    const joined = below === undefined ? undefined : createHash("sha256").update(`${below} ${diffId}`).digest("hex");
    chain.push(joined === undefined ? diffId : asId<Digest>(`sha256:${joined}`));
  }
  return chain;
}
