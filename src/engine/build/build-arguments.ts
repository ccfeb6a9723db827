/** May be given without an `ARG`, and are no part of what an image is made of. */
const TRANSPARENT = new Set(
  ["HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY"].flatMap(name => [name, name.toLowerCase()]),
);

type Values = ReadonlyMap<string, string | undefined>;

/** What `ARG` lets into a Dockerfile, and what the user gave for it. */
export class BuildArguments {
  /** Without a value: named, and not given. */
  readonly #given: Values;
  /** Before the first `FROM`: for `FROM` itself, and defaults for the stages. */
  readonly #globals: Map<string, string | undefined>;
  readonly #allowed = new Map<string, string | undefined>();
  readonly #used: Set<string>;

  constructor(given: Values, shared?: { readonly globals: Map<string, string | undefined>; readonly used: Set<string> }) {
    this.#given = given;
    this.#globals = shared?.globals ?? new Map();
    this.#used = shared?.used ?? new Set();
  }

  /** For a stage, in which nothing is let in yet. */
  ofStage(): BuildArguments {
    return new BuildArguments(this.#given, { globals: this.#globals, used: this.#used });
  }

  addGlobal(name: string, value: string | undefined): void {
    this.add(name, value);
    this.#globals.set(name, value);
  }

  add(name: string, value: string | undefined): void {
    this.#allowed.set(name, value);
    this.#used.add(name);
  }

  globals(): ReadonlyMap<string, string> {
    return this.#settled(this.#globals);
  }

  allowed(): ReadonlyMap<string, string> {
    return this.#settled(this.#allowed);
  }

  /** `NAME=value` of what is let in and not a variable of the image, which comes first. */
  besides(env: readonly string[]): readonly string[] {
    const names = new Set(env.map(entry => entry.split("=", 1)[0] ?? entry));
    return [...this.allowed()].flatMap(([name, value]) => (names.has(name) ? [] : [`${name}=${value}`]));
  }

  /** Those that make another image: all but what was given without an `ARG`. */
  isPartOfImage(entry: string): boolean {
    const name = entry.split("=", 1)[0] ?? entry;
    return this.#allowed.has(name) || !TRANSPARENT.has(name);
  }

  unused(): readonly string[] {
    return [...this.#given.keys()].filter(name => !TRANSPARENT.has(name) && !this.#used.has(name)).toSorted();
  }

  #settled(defaults: Values): ReadonlyMap<string, string> {
    const settled = new Map<string, string>();
    for (const name of new Set([...defaults.keys(), ...TRANSPARENT])) {
      const value = this.#given.get(name) ?? defaults.get(name) ?? this.#globals.get(name);
      if (value !== undefined) settled.set(name, value);
    }
    return settled;
  }
}

/** How a step's command is kept with variables that the image itself does not: `|2 A=1 B=2 /bin/sh -c …`. */
export function withArguments(command: readonly string[], entries: readonly string[]): readonly string[] {
  return [`|${entries.length}`, ...entries.toSorted(), ...command];
}
