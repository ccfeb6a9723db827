import { OperationError } from "../../lib/errors.ts";

/** Splits at blanks outside of quotes; quotes and backslashes stay for `expandVariables` to take out. */
export function splitWords(line: string): readonly string[] {
  const words: string[] = [];
  let word = "";
  let quote = "";
  for (let index = 0; index < line.length; index++) {
    const character = line[index] ?? "";
    if (character === "\\" && quote !== "'" && index + 1 < line.length) {
      word += character + (line[++index] ?? "");
      continue;
    }
    if (quote === "" && /\s/.test(character)) {
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

/** Takes quotes out and puts `$NAME`, `${NAME}`, `${NAME:-word}` and `${NAME:+word}` in. @param env - `NAME=value` each. */
export function expandVariables(text: string, env: readonly string[]): string {
  let result = "";
  let quote = "";
  for (let index = 0; index < text.length; index++) {
    const character = text[index] ?? "";
    const next = text[index + 1] ?? "";
    if (character === quote) quote = "";
    else if (quote === "'") result += character;
    else if (quote === "" && (character === '"' || character === "'")) quote = character;
    else if (character === "\\" && next !== "") {
      // Between double quotes a backslash stands for itself but before these three.
      result += quote === '"' && !/["$\\]/.test(next) ? character + next : next;
      index++;
    } else if (character === "$") {
      const { value, length } = variableAt(text.slice(index), env);
      result += value;
      index += length - 1;
    } else result += character;
  }
  if (quote !== "")
    throw new OperationError(
      "invalid",
      `unexpected end of statement while looking for matching ${quote === '"' ? "double" : "single"}-quote`,
    );
  return result;
}

function variableAt(text: string, env: readonly string[]): { readonly value: string; readonly length: number } {
  const plain = /^\$([A-Za-z_][A-Za-z0-9_]*|[0-9])/.exec(text);
  if (plain !== null) return { value: lookUp(plain[1] ?? "", env) ?? "", length: plain[0].length };
  if (!text.startsWith("${")) return { value: "$", length: 1 };
  const braced = /^\$\{([A-Za-z_][A-Za-z0-9_]*)(?::([-+])([^}]*))?\}/.exec(text);
  if (braced === null) throw new OperationError("invalid", `syntax error: unsupported substitution in ${JSON.stringify(text)}`);
  const [whole, name = "", operator, word = ""] = braced;
  const value = lookUp(name, env) ?? "";
  const other = operator === undefined ? undefined : expandVariables(word, env);
  if (operator === "-" && value === "") return { value: other ?? "", length: whole.length };
  if (operator === "+") return { value: value === "" ? "" : (other ?? ""), length: whole.length };
  return { value, length: whole.length };
}

function lookUp(name: string, env: readonly string[]): string | undefined {
  return env.findLast(variable => variable.startsWith(`${name}=`))?.slice(name.length + 1);
}
