import { OperationError } from "../../src/lib/errors.ts";
import type { LocalSwarmState, SwarmMembershipBackend } from "../../src/api/backends.ts";
import type { ControlCaller, ControlRequest, ControlResponse } from "../../src/model/control.ts";

export class FakeCluster implements ControlCaller {
  local: LocalSwarmState = { state: "inactive", nodeId: "", nodeAddress: "", isManager: false, error: "", remoteManagers: [] };

  readonly membership: SwarmMembershipBackend = {
    local: () => this.local,
    init: async () => ({ nodeId: "n" }),
    join: async () => undefined,
    leave: async () => undefined,
  };

  async call(request: ControlRequest): Promise<ControlResponse> {
    throw new OperationError("not-found", request.kind);
  }
}
