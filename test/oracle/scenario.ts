import type { Section } from "./inside.ts";

/** A list of commands run one after another on both engines; after each, everything it did is compared. */
export interface Scenario {
  readonly name: string;
  readonly steps: readonly Step[];
  /** Half a minute and more: run by `npm run oracle` and not among the tests. */
  readonly isLong?: true;
}

export interface DaemonSettings {
  readonly debug?: boolean;
  readonly "live-restore"?: boolean;
  readonly "node-generic-resources"?: readonly string[];
  /** A daemon of its own data: the images are brought there. */
  readonly "userns-remap"?: string;
}

export type Step =
  | {
      readonly kind: "docker";
      readonly args: readonly string[];
      readonly stdin?: string;
      /** Not compared: it only brings about what the next ones look at. */
      readonly isSetUp?: boolean;
      /** Of what it prints, only lines that match are compared. */
      readonly shows?: RegExp;
      /** What it prints is kept under this name: later steps of this engine have it where they say `<<name>>`. */
      readonly keeps?: string;
      /** The host of a cluster that it is said to; its first manager where none is named. */
      readonly on?: string;
    }
  /** In a terminal of 24 by 80, with what is typed once `when` matches what was printed, which is nothing at first. */
  | {
      readonly kind: "terminal";
      readonly args: readonly string[];
      readonly typed: readonly { readonly when: RegExp; readonly text: string }[];
    }
  /** A `docker build` of a folder with these files. `MODE NAME` gives one another mode, and a name that ends in a slash is a folder; ` -> ` names a link's target. */
  | {
      readonly kind: "build";
      readonly args: readonly string[];
      readonly files: Readonly<Record<string, string>>;
      readonly isSetUp?: boolean;
    }
  /** A `run` or `exec`, up to its image or container, whose program prints what the container sees of itself. */
  | {
      readonly kind: "inside";
      readonly args: readonly string[];
      readonly without: readonly Section[];
    }
  /** A request past the client: its status and its answer are compared. A string is sent as it is. */
  | {
      readonly kind: "http";
      readonly method: string;
      readonly path: string;
      readonly body?: unknown;
      readonly headers?: Readonly<Record<string, string>>;
      readonly on?: string;
    }
  /** The names of all that the engine holds. */
  | { readonly kind: "listing" }
  /** The daemon is stopped and started, or told to read its settings again: those of its daemon.json beside its hosts. */
  | { readonly kind: "daemon"; readonly action: "restart" | "reload"; readonly settings: DaemonSettings }
  /** Waits until a command prints what is expected; the last outcome is compared. */
  | { readonly kind: "until"; readonly args: readonly string[]; readonly prints: RegExp; readonly on?: string };

export function docker(line: string, options: Partial<Omit<Extract<Step, { kind: "docker" }>, "kind" | "args">> = {}): Step {
  return { kind: "docker", args: words(line), ...options };
}

export function terminal(line: string, typed: Extract<Step, { kind: "terminal" }>["typed"]): Step {
  return { kind: "terminal", args: words(line), typed };
}

/** @param line - Flags alone. A text is the Dockerfile. */
export function build(
  line: string,
  files: string | Readonly<Record<string, string>>,
  options: { readonly isSetUp?: boolean } = {},
): Step {
  return {
    kind: "build",
    args: ["build", ...words(line)],
    files: typeof files === "string" ? { Dockerfile: files } : files,
    ...options,
  };
}

/** What a container that is run or entered so sees of itself. */
export function inside(line: string, { without = [] }: { readonly without?: readonly Section[] } = {}): Step {
  return { kind: "inside", args: words(line), without };
}

export function until(line: string, prints: RegExp, options: { readonly on?: string } = {}): Step {
  return { kind: "until", args: words(line), prints, ...options };
}

/** Not compared; later steps have what it prints where they say `<<name>>`. */
export function kept(name: string, line: string): Step {
  return docker(line, { keeps: name, isSetUp: true });
}

export function http(method: string, path: string, body?: unknown): Step {
  return { kind: "http", method, path, ...(body === undefined ? {} : { body }) };
}

/** The program and arguments of a container that ends at once, and well, when it is asked to. */
export const SERVER = "busybox sh -c 'trap \"exit 0\" TERM; echo ready; while :; do sleep 0.05; done'";

/** Before, a signal would find no handler, and the kernel keeps it from a container's first process. */
export function untilServing(name: string): Step {
  return until(`logs ${name}`, /ready/);
}

export function daemon(action: "restart" | "reload", settings: DaemonSettings): Step {
  return { kind: "daemon", action, settings };
}

/** A step with what earlier ones kept in its place. */
export function filledIn(step: Step, kept: ReadonlyMap<string, string>): Step {
  if (kept.size === 0) return step;
  const fill = (text: string): string => text.replace(/<<(\w+)>>/g, (_, name: string) => kept.get(name) ?? "");
  switch (step.kind) {
    case "until":
      return { ...step, args: step.args.map(fill) };
    case "docker":
      return { ...step, args: step.args.map(fill), ...(step.stdin !== undefined && { stdin: fill(step.stdin) }) };
    case "http":
      return {
        ...step,
        path: fill(step.path),
        ...("body" in step && { body: JSON.parse(fill(JSON.stringify(step.body))) as unknown }),
      };
    default:
      return step;
  }
}

/** What is shown of a step when it differs. */
export function stepText(step: Step): string {
  switch (step.kind) {
    case "http":
      return `${step.method} ${step.path}`;
    case "listing":
      return "all that is there";
    case "daemon":
      return `${step.action} of the daemon`;
    default:
      return step.args.join(" ");
  }
}

/** A command line as a shell splits it, with single and double quotes. */
export function words(line: string): readonly string[] {
  return [...line.matchAll(/(?:'[^']*'|"[^"]*"|[^\s'"])+/g)].map(([word]) =>
    word.replace(/'([^']*)'|"([^"]*)"/g, (_, single?: string, double?: string) => single ?? double ?? ""),
  );
}
