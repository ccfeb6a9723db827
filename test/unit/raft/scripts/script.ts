/** One command of a script with the output it should have. */
export interface Block {
  /** 1 is the first line of the file. */
  readonly line: number;
  readonly command: string;
  readonly args: readonly Argument[];
  /** The lines between the command and the `----`. */
  readonly input: string;
  readonly expected: string;
}

/** `key`, `key=value` or `key=(value, value)`. */
export interface Argument {
  readonly key: string;
  readonly values: readonly string[];
}

const COMMAND = /^\S+/;
const ARGUMENT = /([^\s=]+)=\(([^)]*)\)|([^\s=]+)=(\S+)|(\S+)/g;
const SEPARATOR = "----";

/** The format of Go's datadriven package: comments, a command, its input, `----`, its output up to an empty line. */
export function parseScript(text: string): readonly Block[] {
  const lines = text.split("\n");
  const blocks: Block[] = [];
  for (let at = 0; at < lines.length; ) {
    const line = at + 1;
    const head = lines[at++] ?? "";
    if (head.trim() === "" || head.startsWith("#")) continue;
    const separator = lines.indexOf(SEPARATOR, at);
    if (separator < 0) throw new Error(`line ${line}: a command without ${SEPARATOR}`);
    const input = lines.slice(at, separator).join("\n");
    const output = outputAt(lines, separator + 1);
    at = output.end;
    blocks.push({ line, input, expected: output.text, ...parseCommand(head) });
  }
  return blocks;
}

/** Output that has empty lines itself stands between doubled separators. */
function outputAt(lines: readonly string[], from: number): { readonly text: string; readonly end: number } {
  if (lines[from] === SEPARATOR) {
    const end = lines.findIndex((line, at) => at > from && line === SEPARATOR && lines[at + 1] === SEPARATOR);
    if (end < 0) throw new Error(`line ${from}: output without an end`);
    return { text: lines.slice(from + 1, end).join("\n"), end: end + 2 };
  }
  const empty = lines.indexOf("", from);
  const end = empty < 0 ? lines.length : empty;
  return { text: lines.slice(from, end).join("\n"), end };
}

function parseCommand(line: string): Pick<Block, "command" | "args"> {
  const [command = ""] = COMMAND.exec(line) ?? [];
  const args = [...line.slice(command.length).matchAll(ARGUMENT)].map(([, listKey, list = "", key, value = "", word = ""]) => {
    if (listKey !== undefined) return { key: listKey, values: list.split(",").map(each => each.trim()) };
    return key === undefined ? { key: word, values: [] } : { key, values: [value] };
  });
  return { command, args };
}

/** The value of `key=value`. */
export function valueOf({ args }: Block, key: string): string | undefined {
  return args.find(arg => arg.key === key)?.values[0];
}

/** The values of `key=(…)`; none when it is not given. */
export function valuesOf({ args }: Block, key: string): readonly string[] {
  return args.find(arg => arg.key === key)?.values ?? [];
}

/** The arguments without a value. */
export function words({ args }: Block): readonly string[] {
  return args.filter(({ values }) => values.length === 0).map(({ key }) => key);
}
