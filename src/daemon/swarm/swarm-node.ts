import type { LocalSwarmState, SwarmMembershipBackend } from "../../api/backends.ts";
import { OperationError } from "../../lib/errors.ts";
import type { ControlCaller } from "../../model/control.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import type { Random } from "../../ports/random.ts";
import type { DaemonConfig } from "../config.ts";
import type { Engine } from "../engine.ts";

export class SwarmNode implements SwarmMembershipBackend, AsyncDisposable {
  readonly control: ControlCaller = {
    call: () => Promise.reject(new OperationError("unavailable", "This node is not a swarm manager.")),
  };
  static async create(_options: {
    config: DaemonConfig;
    engine: Engine;
    clock: Clock;
    random: Random;
    log: Log;
  }): Promise<SwarmNode> {
    return new SwarmNode();
  }
  local(): LocalSwarmState {
    return { state: "inactive", nodeId: "", nodeAddress: "", isManager: false, error: "", remoteManagers: [] };
  }
  init(): Promise<{ readonly nodeId: string }> {
    throw new OperationError("unavailable", "not composed");
  }
  join(): Promise<void> {
    throw new OperationError("unavailable", "not composed");
  }
  leave(): Promise<void> {
    throw new OperationError("unavailable", "not composed");
  }
  async [Symbol.asyncDispose](): Promise<void> {}
}
