import type { HostConfig } from "../model/container.ts";

/** What REST needs of the builder. */
export interface BuildBackend {
  /** What is told of it, in Docker's words; an error before the first of them is thrown. */
  build(request: {
    readonly context: AsyncIterable<Uint8Array>;
    readonly dockerfile: string;
    readonly tags: readonly string[];
    readonly isQuiet: boolean;
    readonly usesCache: boolean;
    readonly removesContainers: "always" | "on-success" | "never";
    readonly pulls: boolean;
    /** `undefined`: named, and not set. */
    readonly buildArguments: ReadonlyMap<string, string | undefined>;
    readonly labels: Readonly<Record<string, string>>;
    readonly hostConfig: HostConfig;
    readonly target: string;
    readonly platform: string;
    readonly cacheFrom: readonly string[];
    readonly authFor: (registry: string) => string | undefined;
    readonly signal: AbortSignal;
  }): AsyncIterable<unknown>;
}
