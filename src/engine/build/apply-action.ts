import { posix } from "node:path";
import { OperationError } from "../../lib/errors.ts";
import { goDuration, goQuoteCode, goQuoteList } from "../../lib/go-text.ts";
import type { Healthcheck } from "../../model/cluster.ts";
import type { ImageConfig } from "../../model/image.ts";
import { parseSignal } from "../containers/signals.ts";
import type { Action, CommandLine } from "./dockerfile/instruction.ts";
import { exposedPort } from "./exposed-port.ts";

/** What a stage has come to, without its files. */
export interface StageSettings {
  readonly config: ImageConfig;
  readonly author: string;
  /** This stage has said `CMD`: an entrypoint leaves it. */
  readonly hasCommand: boolean;
}

/** Instructions that change nothing but settings. */
export type SettingsAction = Extract<
  Action,
  {
    readonly kind:
      | "env"
      | "label"
      | "maintainer"
      | "onbuild"
      | "cmd"
      | "entrypoint"
      | "healthcheck"
      | "expose"
      | "user"
      | "volume"
      | "stopsignal"
      | "shell";
  }
>;

export function changesSettings(action: Action): action is SettingsAction {
  return !["run", "copy", "add", "workdir", "arg", "unsupported"].includes(action.kind);
}

export interface Applied {
  readonly settings: StageSettings;
  /** How the step is called in the image's history. */
  readonly comment: string;
  /** Said to the user. */
  readonly note?: string;
}

const DEFAULT_SHELL: readonly string[] = ["/bin/sh", "-c"];

/** Pure. @throws OperationError `invalid`, in Docker's words. */
export function applyAction(settings: StageSettings, action: SettingsAction): Applied {
  const { config } = settings;
  const set = (changes: Partial<ImageConfig>, comment: string): Applied => ({
    settings: { ...settings, config: { ...config, ...changes } },
    comment,
  });
  switch (action.kind) {
    case "env":
      return set({ env: action.pairs.reduce(withVariable, config.env) }, `ENV ${shownPairs(action.pairs)}`);
    case "label":
      return set({ labels: { ...config.labels, ...Object.fromEntries(action.pairs) } }, `LABEL ${shownPairs(action.pairs)}`);
    case "maintainer":
      return { settings: { ...settings, author: action.maintainer }, comment: `MAINTAINER ${action.maintainer}` };
    case "onbuild":
      return set({ onBuild: [...(config.onBuild ?? []), action.trigger] }, `ONBUILD ${action.trigger}`);
    case "cmd":
      return withCommand(settings, action.command);
    case "entrypoint":
      return withEntrypoint(settings, action.command);
    case "healthcheck":
      return { ...set({ healthcheck: action.healthcheck }, healthComment(action.healthcheck)), ...replacedCheck(config) };
    case "expose":
      return set(
        { exposedPorts: union(config.exposedPorts, action.ports.flatMap(exposedPort)) },
        `EXPOSE ${action.ports.join(" ")}`,
      );
    case "user":
      return set({ user: action.user }, `USER ${action.user}`);
    case "volume":
      return withVolumes(settings, action.paths);
    case "stopsignal":
      parseSignal(action.signal);
      return set({ stopSignal: action.signal }, `STOPSIGNAL ${action.signal}`);
    case "shell":
      return set({ shell: action.words }, `SHELL [${action.words.join(" ")}]`);
  }
}

/** As it is run: a line is given to the stage's shell. */
export function commandWords({ words, isForShell }: CommandLine, { shell }: ImageConfig): readonly string[] {
  return isForShell ? [...shellOf(shell), ...words] : words;
}

/** How a step that runs nothing is recorded. */
export function commentCommand(comment: readonly string[], { shell }: ImageConfig): readonly string[] {
  return [...shellOf(shell), ...comment];
}

function shellOf(shell: readonly string[] | undefined): readonly string[] {
  return shell === undefined || shell.length === 0 ? DEFAULT_SHELL : shell;
}

/** Where a relative `WORKDIR` leads from the one before. */
export function workingDirectory(current: string, path: string): string {
  if (path === "") throw new OperationError("invalid", "cannot normalize nothing");
  const joined = path.startsWith("/") ? posix.normalize(path) : posix.join("/", current, path);
  return joined.length > 1 ? joined.replace(/\/+$/, "") : joined;
}

function withCommand(settings: StageSettings, command: CommandLine): Applied {
  const cmd = commandWords(command, settings.config);
  return {
    settings: {
      ...settings,
      config: { ...settings.config, cmd },
      hasCommand: settings.hasCommand || command.words.length > 0,
    },
    comment: `CMD ${goQuoteList(cmd)}`,
  };
}

/** A new entrypoint makes an inherited command meaningless. */
function withEntrypoint(settings: StageSettings, command: CommandLine | undefined): Applied {
  const { entrypoint: _before, cmd, ...others } = settings.config;
  const entrypoint = command === undefined ? undefined : commandWords(command, settings.config);
  const config = {
    ...others,
    ...(entrypoint !== undefined && { entrypoint }),
    ...(settings.hasCommand && cmd !== undefined && { cmd }),
  };
  return { settings: { ...settings, config }, comment: `ENTRYPOINT ${goQuoteList(entrypoint ?? [])}` };
}

function withVolumes(settings: StageSettings, paths: readonly string[]): Applied {
  if (paths.includes("")) throw new OperationError("invalid", "VOLUME specified can not be an empty string");
  const volumes = union(settings.config.volumes, paths);
  return { settings: { ...settings, config: { ...settings.config, volumes } }, comment: `VOLUME [${paths.join(" ")}]` };
}

function replacedCheck({ healthcheck }: ImageConfig): { readonly note?: string } {
  const test = healthcheck?.test ?? [];
  return test.length === 0 || test[0] === "NONE" ? {} : { note: `Note: overriding previous HEALTHCHECK: [${test.join(" ")}]\n` };
}

/** As Go prints the fields of its structure. */
function healthComment({
  test = [],
  intervalNs = 0,
  timeoutNs = 0,
  startPeriodNs = 0,
  startIntervalNs = 0,
  retries = 0,
}: Healthcheck): string {
  const durations = [intervalNs, timeoutNs, startPeriodNs, startIntervalNs].map(ns => JSON.stringify(goDuration(ns)));
  return `HEALTHCHECK &{${[goQuoteList(test), ...durations, goQuoteCode(retries)].join(" ")}}`;
}

function shownPairs(pairs: readonly (readonly [string, string])[]): string {
  return pairs.map(([name, value]) => `${name}=${value}`).join(" ");
}

function withVariable(env: readonly string[], [name, value]: readonly [string, string]): readonly string[] {
  const at = env.findIndex(entry => entry.split("=", 1)[0] === name);
  return at < 0 ? [...env, `${name}=${value}`] : env.with(at, `${name}=${value}`);
}

function union(present: readonly string[], added: readonly string[]): readonly string[] {
  return [...new Set([...present, ...added])];
}
