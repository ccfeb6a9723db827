import type { Healthcheck, Labels } from "./cluster.ts";
import type { Digest, ImageId } from "./ids.ts";

/** An image of this host. */
export interface Image {
  readonly id: ImageId;
  /** `busybox:latest`, in short form. */
  readonly tags: readonly string[];
  /** `busybox@sha256:…`. */
  readonly digests: readonly string[];
  readonly parent: string;
  readonly comment: string;
  readonly author: string;
  readonly createdAtMs?: number;
  readonly architecture: string;
  readonly variant: string;
  readonly os: string;
  /** Unpacked, all layers. */
  readonly sizeBytes: number;
  readonly diffIds: readonly Digest[];
  readonly config: ImageConfig;
  readonly lastTaggedAtMs?: number;
  /** Of the step that made it, where a build of this host did. */
  readonly stepCommand?: readonly string[];
  readonly history: readonly {
    readonly createdAtMs?: number;
    readonly createdBy: string;
    readonly comment: string;
    readonly isEmptyLayer: boolean;
    readonly author: string;
  }[];
}

/** What an image says of how to run it. @see OCI image-spec config.md. */
export interface ImageConfig {
  readonly user: string;
  readonly env: readonly string[];
  readonly entrypoint?: readonly string[];
  readonly cmd?: readonly string[];
  readonly volumes: readonly string[];
  readonly workingDir: string;
  readonly labels: Labels;
  readonly stopSignal?: string;
  readonly exposedPorts: readonly string[];
  readonly healthcheck?: Healthcheck;
  readonly shell?: readonly string[];
  readonly onBuild?: readonly string[];
}
