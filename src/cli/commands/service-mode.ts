import { FlagValueError } from "../command/command.ts";
import { CliError, field, type Json, number } from "../context.ts";
import { withPath } from "./with-path.ts";

type Values = Readonly<Record<string, string | boolean | readonly string[] | undefined>>;

/** How a new service runs. @throws CliError in the words of Docker's CLI. */
export function newMode({ mode = "replicated", replicas, maxConcurrent }: Values): Json {
  const count = replicas === undefined ? undefined : unsigned("replicas", replicas);
  const atOnce = maxConcurrent === undefined ? undefined : unsigned("max-concurrent", maxConcurrent);
  if (maxConcurrent !== undefined && mode !== "replicated-job")
    throw new CliError("max-concurrent can only be used with replicated-job mode");
  if (count !== undefined && !["replicated", "replicated-job"].includes(String(mode)))
    throw new CliError("replicas can only be used with replicated or replicated-job mode");
  switch (mode) {
    case "replicated":
      return { Replicated: { Replicas: count ?? 1 } };
    case "global":
      return { Global: {} };
    case "replicated-job":
      return { ReplicatedJob: { MaxConcurrent: atOnce ?? count ?? 1, TotalCompletions: count ?? 1 } };
    case "global-job":
      return { GlobalJob: {} };
    default:
      throw new CliError(`Unknown mode: ${String(mode)}, only replicated and global supported`);
  }
}

/** The mode with as many replicas, or completions of a job. @param options.what - Who asks for that, for the refusal. */
export function scaledMode(mode: Json, { count, what }: { readonly count: number; readonly what: "scale" | "replicas" }): Json {
  if (field(mode, "Replicated") !== undefined) return withPath(mode, ["Replicated", "Replicas"], count);
  if (field(mode, "ReplicatedJob") !== undefined) return withPath(mode, ["ReplicatedJob", "TotalCompletions"], count);
  throw new CliError(`${what} can only be used with replicated or replicated-job mode`);
}

/** `--replicas` and `--max-concurrent` of an update. */
export const MODE_CHANGES = {
  replicas: (spec: Json, value: unknown): Json =>
    withPath(spec, ["Mode"], scaledMode(field(spec, "Mode"), { count: unsigned("replicas", value), what: "replicas" })),
  maxConcurrent: (spec: Json, value: unknown): Json => {
    if (field(spec, "Mode", "ReplicatedJob") === undefined)
      throw new CliError("max-concurrent can only be used with replicated-job mode");
    return withPath(spec, ["Mode", "ReplicatedJob", "MaxConcurrent"], unsigned("max-concurrent", value));
  },
};

interface JobCounts {
  readonly running: number;
  /** To run now. */
  readonly desired: number;
  readonly completed: number;
  /** To be completed. */
  readonly total: number;
}

/** Of a service with its status. A global job has so many tasks as are done and are yet to be. */
export function jobCounts(service: Json): JobCounts {
  const count = (name: string): number => number(service, "ServiceStatus", name);
  const [running, desired, completed] = [count("RunningTasks"), count("DesiredTasks"), count("CompletedTasks")];
  const mode = field(service, "Spec", "Mode");
  const total = isGlobalJob(mode) ? desired + completed : number(mode, "ReplicatedJob", "TotalCompletions");
  return { running, desired, completed, total };
}

/** What of it runs or is done, as `service ls` shows it. */
export function replicasText(service: Json): string {
  const { running, desired, completed, total } = jobCounts(service);
  const perNode = number(service, "Spec", "TaskTemplate", "Placement", "MaxReplicas");
  if (isJob(field(service, "Spec", "Mode"))) return `${running}/${desired} (${completed}/${total} completed)`;
  return perNode > 0 ? `${running}/${desired} (max ${perNode} per node)` : `${running}/${desired}`;
}

export function isJob(mode: Json): boolean {
  return isGlobalJob(mode) || field(mode, "ReplicatedJob") !== undefined;
}

function isGlobalJob(mode: Json): boolean {
  return field(mode, "GlobalJob") !== undefined;
}

export function unsigned(flag: string, value: unknown): number {
  if (/^\d+$/.test(String(value))) return Number(value);
  throw new FlagValueError(flag, String(value), `strconv.ParseUint: parsing "${String(value)}": invalid syntax`);
}
