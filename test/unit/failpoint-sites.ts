import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** A call that changes what outlives the daemon. */
export interface Site {
  readonly kind: string;
  /** Beneath `src`. */
  readonly file: string;
  readonly line: number;
  readonly text: string;
}

/** How each kind of step is written here. Declarations of such functions are none: a word before the name tells, or a type behind the first argument's. */
const KINDS: readonly { readonly kind: string; readonly call: RegExp }[] = [
  { kind: "sync", call: /\.(?:data)?sync\(\)|\bf(?:data)?sync(?:Sync)?\(|\.syncFileSystem\(/g },
  { kind: "rename", call: /(?<![.\w#]|function |async )rename(?:Sync)?\((?!\w+: )/g },
  { kind: "spawn", call: /(?<!function |#)\b(?:spawn|fork|execFile)(?:Sync)?\((?!\w+: )|\bexec\.run\(/g },
  { kind: "mount", call: /(?<![.\w#]|function |async |int )(?:mount|umount2?)(?:Async)?\((?!\w+: )|\.mountOverlay\(/g },
  { kind: "rule", call: /\b(?:batch|host|nftables)\.run\(|\b(?:links|linksSlow|inside|made)\.change\(|library\.run\.async\(/g },
];

/** Every such call that no failpoint stands around. */
export function sitesWithoutFailpoint(folder = "src"): readonly Site[] {
  return sourcesOf(folder).flatMap(file => sitesIn(file, readFileSync(join(folder, file), "utf8")));
}

export function sourcesOf(folder: string): readonly string[] {
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" });
  return files.filter(name => name.endsWith(".ts") && !name.startsWith("gen/")).sort();
}

export function sitesIn(file: string, source: string): readonly Site[] {
  const code = withoutComments(source);
  const covered = failpointSpans(code);
  return KINDS.flatMap(({ kind, call }) =>
    [...code.matchAll(call)]
      .filter(({ index }) => !covered.some(({ from, to }) => from < index && index < to))
      .map(({ index }) => {
        const line = code.slice(0, index).split("\n").length;
        return { kind, file, line, text: (source.split("\n")[line - 1] ?? "").trim() };
      }),
  );
}

/** Comments become blanks, so that everything stays where it is. */
function withoutComments(source: string): string {
  const blank = (text: string): string => text.replace(/[^\n]/g, " ");
  return source.replace(/\/\*[^]*?\*\//g, blank).replace(/(?<=^|\s)\/\/.*$/gm, blank);
}

function failpointSpans(code: string): readonly { readonly from: number; readonly to: number }[] {
  return [...code.matchAll(/\bfailpoint(?:Now)?\(/g)].map(({ index, 0: { length } }) => ({
    from: index,
    to: closing(code, index + length),
  }));
}

/** Where the bracket closes that was open before `at`. Brackets in text count for nothing. */
function closing(code: string, at: number): number {
  let depth = 1;
  for (const { 0: token, index } of code.slice(at).matchAll(/"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`(?:\\.|[^`\\])*`|[()]/g)) {
    if (token === "(") depth++;
    else if (token === ")" && --depth === 0) return at + index;
  }
  return code.length;
}

/** Names at failpoints in the code; `${…}` in one stands for any word. */
export function namesUsed(source: string): readonly RegExp[] {
  const code = withoutComments(source);
  const texts = failpointSpans(code).flatMap(({ from, to }) => textsIn(code.slice(from, to)));
  // A name may also be handed on: as an argument, or as the default of one.
  const handedOn = textsIn(code).filter(text => /^[a-z]+\/[a-z-]+\.[a-z-]+$/.test(text) || /^\$\{\w+\}\.[a-z-]+$/.test(text));
  return [...texts, ...handedOn].map(text => new RegExp(`^${text.replace(/\./g, "\\.").replace(/\$\{[^}]*\}/g, "[a-z/-]+")}$`));
}

function textsIn(code: string): readonly string[] {
  return [...code.matchAll(/"([\w/.-]+)"|`([\w/.${}[\]-]+)`/g)].map(([, plain, template]) => plain ?? template ?? "");
}
