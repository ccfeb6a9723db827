import type { ContainerState } from "../../model/container.ts";
import { durationInWords } from "./duration-words.ts";

/** `Up 2 seconds (healthy)`, `Exited (0) 3 minutes ago`: the Status column of `docker ps`. */
export function statusText(state: ContainerState, nowMs: number): string {
  const since = (ms: number | undefined) => durationInWords(Math.max(0, nowMs - (ms ?? nowMs)));
  switch (state.status) {
    case "running":
      return `Up ${since(state.startedAtMs)}${healthText(state)}`;
    case "paused":
      return `Up ${since(state.startedAtMs)} (Paused)`;
    case "restarting":
      return `Restarting (${state.exitCode}) ${since(state.finishedAtMs)} ago`;
    case "removing":
      return "Removal In Progress";
    case "dead":
      return "Dead";
    case "created":
      return "Created";
    case "exited":
      return state.finishedAtMs === undefined ? "Created" : `Exited (${state.exitCode}) ${since(state.finishedAtMs)} ago`;
  }
}

function healthText({ health }: ContainerState): string {
  if (health === undefined || health.status === "none") return "";
  return health.status === "starting" ? " (health: starting)" : ` (${health.status})`;
}

export function stateJson(state: ContainerState, formatTime: (ms: number | undefined) => string): Record<string, unknown> {
  const { status, health } = state;
  return {
    Status: status,
    Running: status === "running" || status === "paused" || status === "restarting",
    Paused: status === "paused",
    Restarting: status === "restarting",
    OOMKilled: state.isOomKilled,
    Dead: status === "dead",
    Pid: state.pid,
    ExitCode: state.exitCode,
    Error: state.error,
    StartedAt: formatTime(state.startedAtMs),
    FinishedAt: formatTime(state.finishedAtMs),
    ...(health === undefined
      ? {}
      : {
          Health: {
            Status: health.status,
            FailingStreak: health.failingStreak,
            Log: health.log.map(({ startAtMs, endAtMs, exitCode, output }) => ({
              Start: formatTime(startAtMs),
              End: formatTime(endAtMs),
              ExitCode: exitCode,
              Output: output,
            })),
          },
        }),
  };
}
