import { hostname } from "node:os";
import { errorMessage } from "../lib/errors.ts";
import type { AuthorizationPlugins } from "./authorization/authorization-plugins.ts";
import type { Engine } from "./engine.ts";
import type { Log } from "../ports/log.ts";
import type { LogLevel } from "./config.ts";
import { reloadAttributes, type Settings } from "./settings.ts";

export interface ReloadOptions {
  readonly settings: Settings;
  readonly engine: Pick<Engine, "runtimes" | "events" | "info">;
  readonly authorizer: Pick<AuthorizationPlugins, "prepare">;
  readonly log: Log;
  readonly onLogLevel: (level: LogLevel) => void;
  /** New settings are in force. */
  readonly onReloaded: () => void;
  /** Before and after one: for who supervises this process. */
  readonly onBegin?: () => void;
  readonly onEnd?: () => void;
}

/** Takes daemon.json's new settings over, all or none. What it could not take over, it logs. */
export async function reload(options: ReloadOptions): Promise<void> {
  const { settings, engine, authorizer, log, onLogLevel, onReloaded, onBegin, onEnd } = options;
  onBegin?.();
  try {
    log.info({ "config-file": settings.path }, "Got signal to reload configuration");
    const next = await settings.next();
    const changePlugins = await authorizer.prepare(next.config.authorizationPlugins);
    await engine.runtimes.reconfigure(next.config);
    changePlugins();
    const { isDebug } = settings.current;
    settings.apply(next);
    if (next.config.isDebug !== isDebug) onLogLevel(next.config.logLevel);
    if (next.waiting.length > 0)
      log.warn({ options: next.waiting }, "these options take effect when the daemon is started again");
    announce({ settings, engine });
    onReloaded();
    log.info({ config: next.values }, "Reloaded configuration");
  } catch (error) {
    log.error({ error: errorMessage(error) }, "Error reloading configuration");
  } finally {
    onEnd?.();
  }
}

function announce({ settings, engine }: Pick<ReloadOptions, "settings" | "engine">): void {
  const { id, cgroupVersion } = engine.info();
  const cgroupnsMode = cgroupVersion === 2 ? "private" : "host";
  engine.events.publish({
    type: "daemon",
    action: "reload",
    actorId: id,
    attributes: reloadAttributes(settings.current, {
      hostname: hostname(),
      defaultRuntime: engine.runtimes.defaultName,
      cgroupnsMode,
    }),
    scope: "local",
  });
}

/** Reloads on SIGHUP, one after another; more signals while one is under way count as one. */
export function reloadOnSignal(options: ReloadOptions): void {
  let running: Promise<void> = Promise.resolve();
  let isWaiting = false;
  process.on("SIGHUP", () => {
    if (isWaiting) return;
    isWaiting = true;
    running = running.then(() => {
      isWaiting = false;
      return reload(options);
    });
  });
}
