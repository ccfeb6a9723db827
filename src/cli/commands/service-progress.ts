import { isJob, jobCounts } from "./service-mode.ts";
import { CliError, type CliContext, field, list, number, text } from "../context.ts";

const POLL_MS = 200;
/** A service counts as stable when its tasks have run this long, as in Docker's CLI. */
const STABLE_MS = 5_000;
/** More tasks than this have no line each. */
const SLOTS_MAX = 20;

/** Waits until a service is what its spec says, as `service create` and `update` do without `--detach`. */
export async function waitForService(cli: CliContext, id: string, { isQuiet }: { readonly isQuiet: boolean }): Promise<void> {
  const say = (line: string): void => {
    if (!isQuiet) cli.stdout(`${line}\n`);
  };
  if (isJob(field(await cli.api.json("GET", `/services/${id}`), "Spec", "Mode"))) return await waitForJob(cli, id, say);
  let shown = "";
  let hasSlots = false;
  let waited = 0;
  let convergedAtMs: number | undefined;
  for (;;) {
    const service = await cli.api.json("GET", `/services/${id}`, { query: { insertDefaults: false } });
    const state = text(service, "UpdateStatus", "State");
    if (state === "paused" || state === "rollback_paused")
      throw new CliError(
        `service ${state === "paused" ? "update" : "rollback"} paused: ${text(service, "UpdateStatus", "Message")}`,
      );
    const wanted = number(service, "Spec", "Mode", "Replicated", "Replicas");
    const { running, total, error } = await taskCounts(
      cli,
      id,
      field(service, "Spec", "Mode", "Global") === undefined ? wanted : undefined,
    );
    const line = `overall progress: ${running} out of ${total} tasks${error === "" ? "" : ` (${error})`}`;
    if (line !== shown) say(line);
    shown = line;
    if (!hasSlots) for (let slot = 1; slot <= Math.min(total, SLOTS_MAX); slot++) say(`${slot}/${total}:  `);
    hasSlots = true;
    const isConverged = running === total && state !== "updating" && state !== "rollback_started";
    convergedAtMs = isConverged ? (convergedAtMs ?? cli.nowMs()) : undefined;
    const remainingMs = convergedAtMs === undefined ? undefined : STABLE_MS - (cli.nowMs() - convergedAtMs);
    const wait = remainingMs === undefined ? 0 : Math.ceil(remainingMs / 1_000);
    if (wait > 0 && wait !== waited) say(`verify: Waiting ${wait} seconds to verify that tasks are stable...`);
    waited = wait;
    if (remainingMs !== undefined && remainingMs <= 0) {
      if (state === "rollback_completed") say(`rollback: ${text(service, "UpdateStatus", "Message")}`);
      say(`verify: Service ${id} converged`);
      return;
    }
    await cli.sleep(POLL_MS);
  }
}

/** Until as many tasks as it is to have are done. A job that cannot be done is waited for, as by Docker's CLI. */
async function waitForJob(cli: CliContext, id: string, say: (line: string) => void): Promise<void> {
  let shown = "";
  for (;;) {
    const query = { status: true, filters: JSON.stringify({ id: [id] }) };
    const [service] = list(await cli.api.json("GET", "/services", { query }));
    if (service === undefined) throw new CliError(`Error: no such service: ${id}`);
    const { running, desired, completed, total } = jobCounts(service);
    const lines = `job progress: ${completed} out of ${total} complete\nactive tasks: ${running} out of ${desired} tasks`;
    if (lines !== shown) say(lines);
    shown = lines;
    if (total > 0 && completed >= total) return say("job complete");
    await cli.sleep(POLL_MS);
  }
}

async function taskCounts(
  cli: CliContext,
  id: string,
  wanted: number | undefined,
): Promise<{ running: number; total: number; error: string }> {
  const filters = JSON.stringify({ service: [id], "desired-state": ["running"] });
  const tasks = list(await cli.api.json("GET", "/tasks", { query: { filters } }));
  const running = tasks.filter(task => text(task, "Status", "State") === "running").length;
  const error = tasks.map(task => text(task, "Status", "Err")).find(message => message !== "") ?? "";
  return { running, total: wanted ?? tasks.length, error };
}
