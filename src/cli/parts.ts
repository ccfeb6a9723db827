import type { Command } from "./command/command.ts";
import type { CliContext } from "./context.ts";

/** Adds commands to the program. The context connects when it is first asked for. */
export type Register = (program: Command, context: () => CliContext) => void;

interface Part {
  /** The first words of command lines that need this part. */
  readonly words: readonly string[];
  load(): Promise<Register>;
}

/** Each group of commands is code of its own that is loaded when its word is there. */
export const PARTS: readonly Part[] = [
  { words: ["run", "create", "container"], load: async () => (await import("./commands/container/run.ts")).registerRun },
  { words: ["ps", "container"], load: async () => (await import("./commands/container/list.ts")).registerList },
  {
    words: ["stop", "restart", "kill", "pause", "unpause", "rename", "rm", "wait", "top", "port", "container"],
    load: async () => (await import("./commands/container/verbs.ts")).registerVerbs,
  },
  { words: ["attach", "start", "container"], load: async () => (await import("./commands/container/attach.ts")).registerAttach },
  { words: ["exec", "container"], load: async () => (await import("./commands/container/exec.ts")).registerExec },
  { words: ["logs", "container"], load: async () => (await import("./commands/container/logs.ts")).registerLogs },
  {
    words: ["update", "diff", "export", "commit", "cp", "stats", "container"],
    load: async () => (await import("./commands/container/more.ts")).registerMore,
  },
  { words: ["inspect", "container"], load: async () => (await import("./commands/inspect.ts")).registerInspect },
  { words: ["system", "df", "container"], load: async () => (await import("./commands/prune.ts")).registerPrune },
  { words: ["version"], load: async () => (await import("./commands/version.ts")).registerVersion },
  { words: ["info", "system"], load: async () => (await import("./commands/info.ts")).registerInfo },
  { words: ["events", "system"], load: async () => (await import("./commands/events.ts")).registerEvents },
  { words: ["context"], load: async () => (await import("./commands/context.ts")).registerContext },
  { words: ["system"], load: async () => (await import("./commands/dial-stdio.ts")).registerDialStdio },
  { words: ["login", "logout"], load: async () => (await import("./commands/login.ts")).registerLogin },
  {
    words: ["image", "images", "load", "save", "import", "tag", "rmi", "history", "pull", "push"],
    load: async () => (await import("./commands/image.ts")).registerImage,
  },
  { words: ["build", "image", "builder"], load: async () => (await import("./commands/build.ts")).registerBuild },
  { words: ["network"], load: async () => (await import("./commands/network.ts")).registerNetwork },
  { words: ["volume"], load: async () => (await import("./commands/volume.ts")).registerVolume },
  { words: ["secret", "config"], load: async () => (await import("./commands/secret.ts")).registerSecrets },
  { words: ["service"], load: async () => (await import("./commands/service.ts")).registerService },
  { words: ["node"], load: async () => (await import("./commands/node.ts")).registerNode },
  { words: ["swarm"], load: async () => (await import("./commands/swarm.ts")).registerSwarm },
];
