import type { Healthcheck } from "../../../model/cluster.ts";

/** A command line, or one for a shell to read. */
export interface CommandLine {
  readonly words: readonly string[];
  /** `words` is one line for the stage's shell. */
  readonly isForShell: boolean;
}

export type Pair = readonly [name: string, value: string];

export interface CopyInstruction {
  readonly kind: "copy" | "add";
  readonly sources: readonly string[];
  readonly destination: string;
  /** `USER[:GROUP]`; empty: root's. */
  readonly chown: string;
  /** A stage or an image; empty: the context. */
  readonly from: string;
}

/** An instruction that is understood. Variables are still in it. */
export type Action =
  | { readonly kind: "env"; readonly pairs: readonly Pair[] }
  | { readonly kind: "label"; readonly pairs: readonly Pair[]; readonly isLiteral?: true }
  | { readonly kind: "maintainer"; readonly maintainer: string }
  | CopyInstruction
  | { readonly kind: "onbuild"; readonly trigger: string }
  | { readonly kind: "workdir"; readonly path: string }
  | { readonly kind: "run"; readonly command: CommandLine }
  | { readonly kind: "cmd"; readonly command: CommandLine }
  /** Without a command it takes an inherited one away. */
  | { readonly kind: "entrypoint"; readonly command: CommandLine | undefined }
  | { readonly kind: "healthcheck"; readonly healthcheck: Healthcheck }
  | { readonly kind: "expose"; readonly ports: readonly string[] }
  | { readonly kind: "user"; readonly user: string }
  | { readonly kind: "volume"; readonly paths: readonly string[] }
  | { readonly kind: "stopsignal"; readonly signal: string }
  | { readonly kind: "arg"; readonly pairs: readonly ArgumentPair[] }
  | { readonly kind: "shell"; readonly words: readonly string[] }
  /** What the classic builder has no means for: said when it is reached. */
  | { readonly kind: "unsupported"; readonly message: string };

/** `ARG name` alone lets the name in, and gives it no value. */
export type ArgumentPair = readonly [name: string, value: string | undefined];

export interface Instruction {
  /** As it is written, for the step's line. */
  readonly text: string;
  readonly action: Action;
}

export interface Stage {
  readonly text: string;
  /** With variables. */
  readonly base: string;
  /** In lower case; empty where it has none. */
  readonly name: string;
  /** With variables; empty: the build's. */
  readonly platform: string;
  readonly instructions: readonly Instruction[];
}

export interface StagedDockerfile {
  /** `ARG`s before the first `FROM`. */
  readonly globals: readonly (Instruction & { readonly action: Extract<Action, { kind: "arg" }> })[];
  readonly stages: readonly Stage[];
}
