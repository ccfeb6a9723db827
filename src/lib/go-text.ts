const SHORT_ESCAPES: ReadonlyMap<string, string> = new Map([
  ["\u0007", "\\a"],
  ["\b", "\\b"],
  ["\f", "\\f"],
  ["\n", "\\n"],
  ["\r", "\\r"],
  ["\t", "\\t"],
  ["\v", "\\v"],
  ["\\", "\\\\"],
]);

/** `strconv.Quote`: what `%q` prints of a text. */
export function goQuote(text: string): string {
  return `"${[...text].map(character => (character === '"' ? '\\"' : escaped(character))).join("")}"`;
}

/** What `%q` prints of a number: the character that it is the code of. */
export function goQuoteCode(code: number): string {
  const isCharacter = code >= 0 && code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff);
  const character = isCharacter ? String.fromCodePoint(code) : "\uFFFD";
  return `'${character === "'" ? "\\'" : escaped(character)}'`;
}

/** What `%q` prints of a list. */
export function goQuoteList(texts: readonly string[]): string {
  return `[${texts.map(goQuote).join(" ")}]`;
}

function escaped(character: string): string {
  const short = SHORT_ESCAPES.get(character);
  if (short !== undefined) return short;
  if (/^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u.test(character)) return character;
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x20 || code === 0x7f) return `\\x${hex(code, 2)}`;
  return code < 0x10000 ? `\\u${hex(code, 4)}` : `\\U${hex(code, 8)}`;
}

function hex(code: number, digits: number): string {
  return code.toString(16).padStart(digits, "0");
}

const NS_PER_SECOND = 1e9;

/** `time.Duration`'s text: `1h0m5s`, `1.5s`, `250ms`. */
export function goDuration(ns: number): string {
  if (ns === 0) return "0s";
  if (ns < 0) return `-${goDuration(-ns)}`;
  if (ns < 1e3) return `${ns}ns`;
  if (ns < 1e6) return `${ns / 1e3}µs`;
  if (ns < NS_PER_SECOND) return `${ns / 1e6}ms`;
  const minutes = Math.floor(ns / (60 * NS_PER_SECOND));
  const seconds = `${(ns - minutes * 60 * NS_PER_SECOND) / NS_PER_SECOND}s`;
  if (minutes === 0) return seconds;
  return minutes < 60 ? `${minutes}m${seconds}` : `${Math.floor(minutes / 60)}h${minutes % 60}m${seconds}`;
}
