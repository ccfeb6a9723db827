import { join } from "node:path";
import { errorKind, errorMessage, OperationError } from "../../lib/errors.ts";
import type { Container } from "../../model/container.ts";
import { ContainerLog, logPathIn } from "../logs/container-log.ts";
import { LogForwarder } from "../logs/forward/log-forwarder.ts";
import { remoteDriver } from "../logs/log-drivers.ts";
import { logSettingsUntilStart, parseLogSettings } from "../logs/log-settings.ts";
import { logSubject } from "../logs/log-subject.ts";
import { logTag } from "../logs/log-tag.ts";
import { logAttributes } from "../logs/log-attributes.ts";
import { logDetails } from "../logs/log-details.ts";
import { parseSizeBytes } from "../../lib/go-values.ts";
import { type ContainerContext, directoryOf } from "./context.ts";
import type { ContainerEntry } from "./entry.ts";

/** How long a removed container's log may go on being sent, as Docker's. */
const FINISH_MS = 10_000;
const CURSOR_FILE = "log-cursor.json";

/** `undefined` with driver `none`. */
export async function openLog(
  context: Pick<ContainerContext, "dataRoot">,
  { id, hostConfig }: Pick<Container, "id" | "hostConfig">,
): Promise<ContainerLog | undefined> {
  const settings = logSettingsUntilStart(hostConfig.logConfig);
  return settings.isKept ? ContainerLog.open(logPathIn(directoryOf(context, id)), settings) : undefined;
}

/**
 * Before a container starts: checks what Docker checks then, and connects to where its log is sent.
 *
 * @throws OperationError in Docker's words when an option is wrong or the server is not there.
 */
export async function startLogging(context: ContainerContext, entry: ContainerEntry): Promise<void> {
  try {
    parseLogSettings(entry.record.container.hostConfig.logConfig);
    checkDecorations(context, entry);
    entry.forwarder ??= await openForwarder(context, entry);
    await entry.forwarder?.connect();
  } catch (error) {
    const message = `failed to create task for container: failed to initialize logging driver: ${errorMessage(error)}`;
    throw new OperationError(errorKind(error) === "cancelled" ? "cancelled" : "internal", message, { cause: error });
  }
}

/** After a restart of the daemon: what it has not sent is sent now. */
export async function resumeLogging(context: ContainerContext, entry: ContainerEntry): Promise<void> {
  try {
    entry.forwarder ??= await openForwarder(context, entry);
    if (entry.run !== undefined || (await entry.forwarder?.isBehind()) === true) entry.forwarder?.run();
  } catch (error) {
    context.log.warn({ container: entry.id, error: errorMessage(error) }, "a container's log is not sent on");
  }
}

/** Of a container that is gone: what is left of its log is sent if its server takes it. */
export async function finishLogging({ clock }: ContainerContext, { forwarder }: ContainerEntry): Promise<void> {
  await forwarder?.finish(clock.timeout(FINISH_MS));
}

/** What `logs --details` shows in front of each line: what the options name, where the log is not sent with it elsewhere. */
export function detailsOf(context: ContainerContext, container: Container): string {
  const { type, options } = container.hostConfig.logConfig;
  if (remoteDriver(type) !== undefined) return "";
  const tag = options["tag"] ? logTag(subjectOf(context, container), "") : "";
  return logDetails(options, container.config, tag);
}

function checkDecorations(context: ContainerContext, { record }: ContainerEntry): void {
  const { type, options } = record.container.hostConfig.logConfig;
  if (type === "none") return;
  const subject = subjectOf(context, record.container);
  logAttributes(options, subject);
  if (options["tag"] !== undefined) logTag(subject, "");
}

function subjectOf({ hostname }: ContainerContext, container: Container) {
  return logSubject(container, { hostname: hostname(), pid: process.pid });
}

async function openForwarder(context: ContainerContext, { id, log, record }: ContainerEntry): Promise<LogForwarder | undefined> {
  const { container } = record;
  const { type, options } = container.hostConfig.logConfig;
  const driver = remoteDriver(type);
  if (driver === undefined || log === undefined) return undefined;
  const route = driver.route(subjectOf(context, container));
  const bufferSize = options["max-buffer-size"];
  const bufferBytes = bufferSize === undefined ? Infinity : parseSizeBytes(bufferSize, 1024);
  return LogForwarder.open({
    containerId: id,
    log,
    cursorPath: join(directoryOf(context, id), CURSOR_FILE),
    route: { ...route, batchBytesMax: Math.min(bufferBytes, route.batchBytesMax ?? Infinity) },
    network: context.logNetwork,
    clock: context.clock,
    daemonLog: context.log,
    keepsUnsent: options["mode"] !== "non-blocking",
  });
}
