import { quotedWords } from "./words.ts";

/** A text that follows an instruction, up to a line with its name. The classic builder reads past it and can do nothing with it. */
export interface Heredoc {
  readonly name: string;
  readonly ignoresTabs: boolean;
}

const HOLDERS = ["add", "copy", "run", "onbuild"];

export function hasHeredoc(keyword: string, text: string): boolean {
  return HOLDERS.includes(keyword.toLowerCase()) && text.includes("<<") && heredocsIn(text).length > 0;
}

export function heredocsIn(text: string): readonly Heredoc[] {
  return quotedWords(text, "\\").flatMap(word => heredocOf(word) ?? []);
}

/** `<<NAME`, `<<-"NAME"`, `3<<NAME`. */
export function heredocOf(word: string): Heredoc | undefined {
  const [, dash, rest = ""] = /^\d*<<(-?)\s*([^<]*)$/.exec(word) ?? [];
  const name = rest.replace(/["']/g, "");
  return dash === undefined || name === "" ? undefined : { name, ignoresTabs: dash === "-" };
}
