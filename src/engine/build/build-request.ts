import type { HostConfig } from "../../model/container.ts";
import type { Labels } from "../../model/cluster.ts";

/** What `docker build` asks for. */
export interface BuildRequest {
  /** A tar archive, compressed or not. */
  readonly context: AsyncIterable<Uint8Array>;
  /** In the context; empty: `Dockerfile`, or `dockerfile` where that is missing. */
  readonly dockerfile: string;
  /** Names for the image. */
  readonly tags: readonly string[];
  /** Only the image's id is told, or what went wrong. */
  readonly isQuiet: boolean;
  readonly usesCache: boolean;
  /** Containers of steps: taken away whatever comes, when the step has succeeded, or never. */
  readonly removesContainers: "always" | "on-success" | "never";
  /** Base images are pulled even if they are here. */
  readonly pulls: boolean;
  /** By name. `undefined`: named on the command line, and not set there. */
  readonly buildArguments: ReadonlyMap<string, string | undefined>;
  readonly labels: Labels;
  /** For the containers that steps run in. */
  readonly hostConfig: HostConfig;
  /** The last stage to build; empty: all. */
  readonly target: string;
  /** `linux/amd64`; empty: the host's. */
  readonly platform: string;
  /** Images whose steps count as made here. */
  readonly cacheFrom: readonly string[];
  /** Credentials for a registry, as `pull` takes them. */
  readonly authFor: (registry: string) => string | undefined;
  readonly signal: AbortSignal;
}

/** A step's command ended with another code than 0. */
export class CommandFailure extends Error {
  override readonly name = "CommandFailure";
  readonly exitCode: number;

  constructor(message: string, exitCode: number) {
    super(message);
    this.exitCode = exitCode;
  }
}
