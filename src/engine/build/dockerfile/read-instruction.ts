import { OperationError } from "../../../lib/errors.ts";
import { heredocOf } from "./heredoc.ts";
import { readFlags } from "./flags.ts";
import { readHealthcheck } from "./read-healthcheck.ts";
import type { Action, ArgumentPair, CommandLine, CopyInstruction, Pair } from "./instruction.ts";
import { type DockerfileNode, KEYWORDS } from "./parse-dockerfile.ts";
import { suggestion } from "./suggestion.ts";

const BUILDKIT_HINT =
  "requires BuildKit. Refer to https://docs.docker.com/go/buildkit/ to learn how to build images with BuildKit enabled";

/** Anything but `FROM`. @throws OperationError `invalid`, in Docker's words. */
export function readInstruction(node: DockerfileNode): Action {
  const read = READERS[node.keyword.toLowerCase()];
  if (read !== undefined) return read(node);
  const hint = suggestion(
    node.keyword,
    KEYWORDS.map(word => word.toUpperCase()),
    { isCaseSensitive: false },
  );
  throw new OperationError("invalid", `unknown instruction: ${node.keyword}${hint}`);
}

const READERS: Readonly<Record<string, (node: DockerfileNode) => Action>> = {
  env: node => ({ kind: "env", pairs: pairsOf(node) }),
  label: node => ({ kind: "label", pairs: pairsOf(node) }),
  maintainer: node => ({ kind: "maintainer", maintainer: onlyArgument(node) }),
  copy: node => copyOf(node, "copy"),
  add: node => copyOf(node, "add"),
  onbuild: triggerOf,
  workdir: node => ({ kind: "workdir", path: onlyArgument(node) }),
  run: runOf,
  cmd: node => ({ kind: "cmd", command: commandOf(withoutFlags(node)) }),
  entrypoint: node => ({ kind: "entrypoint", command: node.args.length === 0 ? undefined : commandOf(withoutFlags(node)) }),
  healthcheck: node => ({ kind: "healthcheck", healthcheck: readHealthcheck(node) }),
  // Sorted, as Docker's cache expects.
  expose: node => ({ kind: "expose", ports: someArguments(node).toSorted() }),
  user: node => ({ kind: "user", user: onlyArgument(node) }),
  volume: node => ({ kind: "volume", paths: someArguments(node).map(volumePath) }),
  stopsignal: node => ({ kind: "stopsignal", signal: onlyArgument(node) }),
  arg: node => ({ kind: "arg", pairs: someArguments(node).map(argumentPair) }),
  shell: node => ({ kind: "shell", words: shellOf(node) }),
};

function withoutFlags(node: DockerfileNode): DockerfileNode {
  readFlags(node.flags, {});
  return node;
}

function someArguments(node: DockerfileNode): readonly string[] {
  const { args, keyword } = withoutFlags(node);
  if (args.length === 0) throw new OperationError("invalid", `${keyword.toUpperCase()} requires at least one argument`);
  return args;
}

function onlyArgument(node: DockerfileNode): string {
  const [argument, ...others] = withoutFlags(node).args;
  if (argument !== undefined && others.length === 0) return argument;
  throw new OperationError("invalid", `${node.keyword.toUpperCase()} requires exactly one argument`);
}

function pairsOf(node: DockerfileNode): readonly Pair[] {
  const args = someArguments(node);
  return Array.from({ length: args.length / 2 }, (_, index) => {
    const [name = "", value = ""] = args.slice(index * 2);
    if (name === "") throw new OperationError("invalid", `${node.keyword.toUpperCase()} names can not be blank`);
    return [name, value] as const;
  });
}

function commandOf({ args, isJson }: DockerfileNode): CommandLine {
  return { words: isJson || args.length === 0 ? args : [args.join(" ")], isForShell: !isJson };
}

function runOf(node: DockerfileNode): Action {
  const [flag] = readFlags(node.flags, { mount: "texts", network: "text", security: "text" }).keys();
  if (flag !== undefined) return { kind: "unsupported", message: `the --${flag} option ${BUILDKIT_HINT}` };
  // Docker runs the line before the text, which does nothing.
  if (node.hasHeredoc) return { kind: "unsupported", message: `the heredoc syntax ${BUILDKIT_HINT}` };
  return { kind: "run", command: commandOf(node) };
}

const COPY_FLAGS = { chown: "text", chmod: "text", link: "boolean", exclude: "texts" } as const;
const ADD_FLAGS = { ...COPY_FLAGS, "keep-git-dir": "boolean", checksum: "text", unpack: "boolean" } as const;

function copyOf(node: DockerfileNode, kind: CopyInstruction["kind"]): Action {
  const name = kind.toUpperCase();
  if (node.args.length < 2) {
    throw new OperationError(
      "invalid",
      `${name} requires at least two arguments, but only one was provided. Destination could not be determined`,
    );
  }
  const flags = readFlags(node.flags, kind === "add" ? ADD_FLAGS : { ...COPY_FLAGS, from: "text" });
  const destination = node.args.at(-1) ?? "";
  if (heredocOf(destination) !== undefined) {
    throw new OperationError("invalid", `${name} cannot accept a heredoc as a destination`);
  }
  const only = ["chmod", "exclude", "checksum", "unpack"].find(flag => isAsked(flags.get(flag)));
  if (only !== undefined) return { kind: "unsupported", message: `the --${only} option ${BUILDKIT_HINT}` };
  return {
    kind,
    sources: node.args.slice(0, -1).filter(source => heredocOf(source) === undefined),
    destination,
    chown: flags.get("chown")?.[0] ?? "",
    from: flags.get("from")?.[0] ?? "",
  };
}

function isAsked(values: readonly string[] | undefined): boolean {
  return values?.some(value => value !== "" && value !== "false") === true;
}

function triggerOf(node: DockerfileNode): Action {
  const keyword = (someArguments(node)[0] ?? "").trim().toUpperCase();
  if (keyword === "ONBUILD") throw new OperationError("invalid", "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed");
  if (keyword === "MAINTAINER" || keyword === "FROM") {
    throw new OperationError("invalid", `${keyword} isn't allowed as an ONBUILD trigger`);
  }
  return { kind: "onbuild", trigger: node.text.replace(/^\s*ONBUILD\s*/i, "") };
}

function volumePath(path: string): string {
  const trimmed = path.trim();
  if (trimmed === "") throw new OperationError("invalid", "VOLUME specified can not be an empty string");
  return trimmed;
}

function argumentPair(word: string): ArgumentPair {
  const at = word.indexOf("=");
  if (at < 0) return [word, undefined];
  if (at === 0) throw new OperationError("invalid", "ARG names can not be blank");
  return [word.slice(0, at), word.slice(at + 1)];
}

function shellOf(node: DockerfileNode): readonly string[] {
  const words = someArguments(node);
  if (node.isJson) return words;
  throw new OperationError("invalid", "SHELL requires the arguments to be in JSON form");
}
