/**
 * What may differ between two runs of the same command on two engines: ids, times, addresses, made-up names, host paths.
 * Each rule has a name and replaces what it finds by a label with a number: the first id of a scenario is `<id:1>` on both sides,
 * so two ids that are the same on one side and not on the other are still a difference.
 */
export interface Rule {
  readonly name: string;
  readonly pattern: RegExp;
}

export const RULES: readonly Rule[] = [
  { name: "digest", pattern: /sha256:[0-9a-f]{64}/g },
  { name: "id", pattern: /\b[0-9a-f]{64}\b/g },
  { name: "token", pattern: /SWMTKN-1-[0-9a-z]{50}-[0-9a-z]{25}/g },
  { name: "unlock-key", pattern: /SWMKEY-1-[A-Za-z0-9+/]{43}/g },
  { name: "time", pattern: /\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)/g },
  { name: "time", pattern: /\b\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)? [+-]\d{4} [A-Za-z]{3}\b/g },
  { name: "age", pattern: /\b(?:Less than a second|About an? (?:minute|hour)|\d+ (?:seconds?|minutes?|hours?))\b/gi },
  { name: "api-version", pattern: /(?<=supported API version is )\d+\.\d+/g },
  { name: "mac", pattern: /\b[0-9a-f]{2}(?::[0-9a-f]{2}){5}\b/g },
  { name: "address", pattern: /\b(?:10|172|192)(?:\.\d{1,3}){3}\b/g },
  // One in some thousands has no digit, and no word of 25 letters is ever printed.
  { name: "swarm-id", pattern: /\b(?=[0-9a-z]*[a-z])[0-9a-z]{25}\b/g },
  { name: "short-id", pattern: /\b(?=[0-9a-f]*\d)[0-9a-f]{12}\b/g },
  // One in fifty has no digit: alone on a line, as `-q` prints them, it is taken for an id, elsewhere only where it is known as one.
  { name: "short-id", pattern: /\b(?=[0-9a-z]*\d)(?=[0-9a-z]*[a-z])[0-9a-z]{12}\b|^[a-z]{12}$/gm },
  { name: "lettered-id", pattern: /\b[a-z]{12}\b/g },
  { name: "name", pattern: /\b[a-z]+_[a-z]+\b(?=[\s",/]|$)/g },
];

/** One for each scenario and engine: it numbers what it sees. */
export class Normalizer {
  readonly #seen = new Map<string, number>();
  readonly #counts = new Map<string, number>();
  readonly #literals: readonly (readonly [text: string, label: string])[];

  /** @param literals - Texts of this engine, such as its data root, with the label that stands for each. */
  constructor(literals: readonly (readonly [text: string, label: string])[] = []) {
    this.#literals = literals;
  }

  normalize(text: string): string {
    let result = text;
    for (const [literal, label] of this.#literals) result = result.replaceAll(literal, label);
    for (const { name, pattern } of RULES) {
      result = result.replace(pattern, found => {
        if (name === "lettered-id") return this.#seen.has(found) ? `<short-id:${this.#numberOf(name, found)}>` : found;
        if (name === "time" && found.startsWith("0001-01-01")) return found;
        if (name === "time" || name === "age" || name === "api-version") return `<${name}>`;
        return `<${name}:${this.#numberOf(name, found)}>`;
      });
    }
    return result;
  }

  /** A 12 character id is the start of a long one: they get the same number. */
  #numberOf(name: string, found: string): number {
    const key =
      name === "id" || name === "digest"
        ? found.replace("sha256:", "").slice(0, 12)
        : name === "swarm-id"
          ? found.slice(0, 12)
          : found;
    const known = this.#seen.get(key);
    if (known !== undefined) return known;
    const kind = name === "short-id" || name === "swarm-id" ? "id" : name;
    const number = (this.#counts.get(kind) ?? 0) + 1;
    this.#counts.set(kind, number);
    this.#seen.set(key, number);
    return number;
  }
}
