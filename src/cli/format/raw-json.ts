const INDENT = "    ";

/** JSON text with its lines indented, and nothing else about it changed: order, numbers and escapes stay. @see Go's json.Indent */
export function indentJson(text: string, prefix = ""): string {
  const tokens = text.match(/"(?:[^"\\]|\\.)*"|[{}[\]:,]|[^\s{}[\]:,"]+/g) ?? [];
  let result = "";
  let depth = 0;
  const newline = (): string => `\n${prefix}${INDENT.repeat(depth)}`;
  for (const [index, token] of tokens.entries()) {
    if (token === "{" || token === "[") {
      depth++;
      result += token;
      if (!isClosing(tokens[index + 1])) result += newline();
    } else if (isClosing(token)) {
      depth--;
      const isEmpty = ["{", "["].includes(tokens[index - 1] ?? "");
      result += isEmpty ? token : newline() + token;
    } else if (token === ",") result += token + newline();
    else if (token === ":") result += ": ";
    else result += token;
  }
  return result;
}

function isClosing(token: string | undefined): boolean {
  return token === "}" || token === "]";
}
