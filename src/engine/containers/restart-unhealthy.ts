import { OperationError } from "../../lib/errors.ts";
import type { CreateContainerRequest } from "../../model/container.ts";
import { type ContainerContext, publish } from "./context.ts";
import type { ContainerEntry, ContainerRun } from "./entry.ts";
import { settledBy } from "./make-run.ts";
import { parseSignal, SIGKILL, SIGTERM } from "./signals.ts";
import { stopTimeoutSeconds } from "./stop-container.ts";

/** Beyond Docker: a container with this label, `true`, is restarted when it becomes unhealthy. */
export const RESTART_ON_UNHEALTHY_LABEL = "io.shoal.restart-on-unhealthy";

export function restartsOnUnhealthy({ labels }: { readonly labels: Readonly<Record<string, string>> }): boolean {
  return labels[RESTART_ON_UNHEALTHY_LABEL] === "true";
}

/** @throws OperationError `invalid` for a value that is neither, and for a container that is removed at its end. */
export function checkRestartOnUnhealthy({ config, hostConfig }: CreateContainerRequest): void {
  const value = config.labels[RESTART_ON_UNHEALTHY_LABEL];
  if (value === undefined || value === "false") return;
  if (value !== "true") {
    throw new OperationError("invalid", `invalid label ${RESTART_ON_UNHEALTHY_LABEL}=${value}: it must be true or false`);
  }
  if (hostConfig.autoRemove) {
    throw new OperationError("invalid", "can't create 'AutoRemove' container that is restarted when it is unhealthy");
  }
}

/** Ends it as `docker stop` would. That it was not the user who did is what starts it again. */
export async function endUnhealthy(
  context: ContainerContext,
  { entry, run }: { readonly entry: ContainerEntry; readonly run: ContainerRun },
): Promise<void> {
  const { config } = entry.record.container;
  const kill = async (signal: number): Promise<void> => {
    if (entry.run !== run) return;
    await run.shim.kill(signal);
    publish(context, entry, { action: "kill", attributes: { signal: String(signal) } });
  };
  entry.isEndedAsUnhealthy = true;
  await kill(parseSignal(config.stopSignal || String(SIGTERM)));
  const timeoutSeconds = stopTimeoutSeconds(context, entry);
  if (timeoutSeconds < 0) return;
  await settledBy(run.shim.exit, context.clock.timeout(timeoutSeconds * 1000));
  await kill(SIGKILL);
}
