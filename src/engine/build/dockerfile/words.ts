import type { EscapeToken } from "./logical-lines.ts";

/** Splits at blanks outside of quotes. Quotes and escapes stay: they are taken out when variables are put in. */
export function quotedWords(text: string, escape: EscapeToken): readonly string[] {
  const words: string[] = [];
  let word = "";
  let quote = "";
  for (let index = 0; index < text.length; index++) {
    const character = text[index] ?? "";
    if (character === escape && quote !== "'") {
      if (index + 1 < text.length) word += character + (text[++index] ?? "");
      continue;
    }
    if (quote === "" && isBlank(character)) {
      if (word !== "") words.push(word);
      word = "";
      continue;
    }
    if (character === quote) quote = "";
    else if (quote === "" && (character === '"' || character === "'")) quote = character;
    word += character;
  }
  return word === "" ? words : [...words, word];
}

export function blankSeparated(text: string): readonly string[] {
  return text === "" ? [] : text.split(/[\t\v\f\r ]+/);
}

/** Takes leading `--name=value` words off an instruction's arguments, with their quotes and escapes. */
export function takeFlags(text: string, escape: EscapeToken): { readonly flags: readonly string[]; readonly rest: string } {
  const flags: string[] = [];
  let at = 0;
  for (;;) {
    while (isBlank(text[at] ?? "")) at++;
    if (!text.startsWith("--", at)) return { flags, rest: text.slice(at).trim() };
    const { word, end, isQuoted } = flagAt(text, at, escape);
    at = end;
    if (word === "--") return { flags, rest: text.slice(at).trim() };
    if (isQuoted || word !== "") flags.push(word);
  }
}

function flagAt(text: string, ...[start, escape]: [number, EscapeToken]) {
  let word = "";
  let quote = "";
  let isQuoted = false;
  let at = start;
  for (; at < text.length; at++) {
    const character = text[at] ?? "";
    if (quote === "" && isBlank(character)) break;
    if (character === quote) quote = "";
    else if (quote === "" && (character === '"' || character === "'")) {
      quote = character;
      isQuoted = true;
    } else if (character === escape) word += text[++at] ?? "";
    else word += character;
  }
  return { word, end: at, isQuoted };
}

export function isBlank(character: string): boolean {
  return character !== "" && character.trim() === "";
}
