// How a line of code is broken on purpose, one small change at a time.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { transformSync } from "esbuild";

/** Each rule: what to look for in a line, and what to put in its place. */
const RULES = [
  { name: "<= to <", find: / <= /g, put: " < " },
  { name: "< to <=", find: / < /g, put: " <= " },
  { name: ">= to >", find: / >= /g, put: " > " },
  { name: "> to >=", find: / > /g, put: " >= " },
  { name: "=== to !==", find: / === /g, put: " !== " },
  { name: "!== to ===", find: / !== /g, put: " === " },
  { name: "&& to ||", find: / && /g, put: " || " },
  { name: "|| to &&", find: / \|\| /g, put: " && " },
  { name: "+ 1 to + 0", find: / \+ 1\b/g, put: " + 0" },
  { name: "- 1 to - 0", find: / - 1\b/g, put: " - 0" },
  { name: "+ to -", find: / \+ (?!1\b)/g, put: " - " },
  { name: "- to +", find: / - (?!1\b)/g, put: " + " },
  { name: "* to /", find: / \* /g, put: " / " },
  { name: "min to max", find: /Math\.min/g, put: "Math.max" },
  { name: "max to min", find: /Math\.max/g, put: "Math.min" },
  { name: "some to every", find: /\.some\(/g, put: ".every(" },
  { name: "every to some", find: /\.every\(/g, put: ".some(" },
  { name: "true to false", find: /\btrue\b/g, put: "false" },
  { name: "false to true", find: /\bfalse\b/g, put: "true" },
  { name: "without a not", find: /(?<=[(&|=>] ?)!(?=[#\w(])/g, put: "" },
  {
    name: "negated condition",
    find: /\bif \((?!.*\bif \()(.+)\) (?=return|throw|continue|break|yield|await|this|\{|\w+[.(+])/g,
    put: "if (!($1)) ",
  },
];
/** A whole statement on one line, which does something rather than declare or decide. */
const STATEMENT =
  /^\s+(?!return|const|let|throw|if|else|for|case|default|import|export|type|readonly|static|private|assert|\}|\/\/|\*)(await |yield\*? )?[#\w.?]+(\(.*\)|\[.*\]|\+\+|--| (?:[+-]|\?\?|\|\|)?= .*);$/;

/** The first value of a field: mostly set again before it is used. */
const FIELD = /^ {2}#?\w+(: .*)? = /;

/** Negated it is another rule's change again. */
const LONE_COMPARISON = /\bif \((?!.*(?:&&|\|\|)).* (?:===|!==) /;

/** What a log says is nobody's behaviour. */
const LOGGED = /^\s+(?:this\.)?#?\w*log\.\w+\(/i;

function isCode(line) {
  return !/^\s*(\/\/|\/?\*|import |export (interface|type)|readonly |assert\(|type )/.test(line);
}

/** Where a match lies in a string or a comment, or in the words of an error, the change would mean nothing. */
function isLive(line, at) {
  const before = line.slice(0, at);
  return before.split('"').length % 2 === 1 && before.split("`").length % 2 === 1 && !/\/\/|throw new|assert\(/.test(before);
}

/** What node runs of a file. Types are gone, so a change of a type alone makes no difference. @throws Error where it is no program. */
export function compiled(source) {
  const { code } = transformSync(source, { loader: "ts", format: "esm", target: "node20" });
  return code.replaceAll(/(\bfrom |\bimport\()"(\.{1,2}\/[^"]+)\.ts"/g, '$1"$2.js"');
}

/** Every change of one file, with a key that stays the same while its line does. */
export function mutantsOf(file) {
  const lines = readFileSync(file, "utf8").split("\n");
  const mutants = [];
  const seen = new Map();
  const add = (at, rule, changed) => {
    const words = `${file}|${rule}|${lines[at].trim()}|${changed.trim()}`;
    const count = (seen.get(words) ?? 0) + 1;
    seen.set(words, count);
    mutants.push({ file, at, rule, line: lines[at].trim(), changed, key: `${words}|${count}` });
  };
  for (const [at, line] of lines.entries()) {
    if (!isCode(line)) continue;
    for (const { name, find, put } of RULES) {
      for (const match of line.matchAll(find)) {
        if (!isLive(line, match.index) || (name === "negated condition" && LONE_COMPARISON.test(line))) continue;
        const end = match.index + match[0].length;
        const changed = line.slice(0, match.index) + put.replace("$1", () => match[1]) + line.slice(end);
        add(at, name, changed);
      }
    }
    if (STATEMENT.test(line) && !FIELD.test(line) && !LOGGED.test(line)) add(at, "removed statement", "");
  }
  return mutants;
}

/** The file's text with the change; `undefined` when it runs as before, or not at all. */
export function mutatedSource({ file, at, changed }) {
  const source = readFileSync(file, "utf8");
  const lines = source.split("\n");
  lines[at] = changed;
  const mutated = lines.join("\n");
  try {
    return compiled(mutated) === compiled(source) ? undefined : mutated;
  } catch {
    return undefined;
  }
}

/** `count` of them, by chance: each stays in the draw of its seed whatever happens to other lines. */
export function drawn(mutants, { seed, count }) {
  const draw = ({ key }) => createHash("sha256").update(`${seed}|${key}`).digest("hex");
  const chosen = [];
  for (const { mutant } of mutants
    .map(mutant => ({ mutant, order: draw(mutant) }))
    .sort((a, b) => (a.order < b.order ? -1 : 1))) {
    if (chosen.length === count) break;
    if (mutatedSource(mutant) !== undefined) chosen.push(mutant);
  }
  return chosen;
}
