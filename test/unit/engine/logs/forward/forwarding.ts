import { join, dirname } from "node:path";
import { LogForwarder } from "../../../../../src/engine/logs/forward/log-forwarder.ts";
import type { LogRoute } from "../../../../../src/engine/logs/forward/log-driver.ts";
import { remoteDriver } from "../../../../../src/engine/logs/log-drivers.ts";
import { systemClock } from "../../../../../src/system/clock.ts";
import { systemLogNetwork } from "../../../../../src/system/log-network.ts";
import { quietLog } from "../../containers/fake-world.ts";
import { LogFiles } from "../log-files.ts";
import { aSubject } from "../log-subject.ts";

/** A log that is written as conmon writes it and sent by a driver through the real network. */
export class Forwarding implements AsyncDisposable {
  readonly files: LogFiles;
  readonly warnings: string[] = [];
  readonly #route: LogRoute;
  readonly #keepsUnsent: boolean;
  #forwarder: LogForwarder | undefined;

  private constructor(files: LogFiles, route: LogRoute, keepsUnsent: boolean) {
    this.files = files;
    this.#route = route;
    this.#keepsUnsent = keepsUnsent;
  }

  static async create(
    driver: string,
    options: Readonly<Record<string, string>>,
    { keepsUnsent = true, fileBytesMax = 1_000_000 } = {},
  ): Promise<Forwarding> {
    const files = await LogFiles.create({ fileBytesMax });
    const route = remoteDriver(driver)!.route(aSubject(options));
    const forwarding = new Forwarding(files, route, keepsUnsent);
    files.log.begin();
    await forwarding.open();
    return forwarding;
  }

  get forwarder(): LogForwarder {
    return this.#forwarder!;
  }

  /** The daemon starts. */
  async open(): Promise<void> {
    this.#forwarder = await LogForwarder.open({
      containerId: aSubject().id,
      log: this.files.log,
      cursorPath: join(dirname(this.files.path), "log-cursor.json"),
      route: this.#route,
      network: systemLogNetwork,
      clock: systemClock,
      daemonLog: { ...quietLog, warn: (_fields, message) => this.warnings.push(message) },
      keepsUnsent: this.#keepsUnsent,
    });
  }

  /** The daemon ends. */
  async close(): Promise<void> {
    await this.#forwarder?.[Symbol.asyncDispose]();
    this.#forwarder = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
    await this.files[Symbol.asyncDispose]();
  }
}
