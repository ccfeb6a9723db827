import type { ControlCaller, ControlRequest } from "../../model/control.ts";
import { clusterIdFrom, type RequestId } from "../../model/ids.ts";
import type { AttachmentCalls } from "../../network/attachments.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Random } from "../../ports/random.ts";
import { callManagers } from "./manager-calls.ts";
import type { MemberState } from "./member-state.ts";

interface AttachmentCallsOptions {
  readonly state: MemberState;
  /** To this node's own manager, while it has one. */
  readonly control: () => ControlCaller | undefined;
  readonly clock: Clock;
  readonly random: Random;
}

/** What a node asks of the managers for containers made by hand: of its own, or another one. */
export function attachmentCalls({ state, control, clock, random }: AttachmentCallsOptions): AttachmentCalls {
  const call = async (request: ControlRequest, { signal }: { readonly signal: AbortSignal }): Promise<void> => {
    const requestId = clusterIdFrom<RequestId>(random.bytes(25));
    const own = control();
    if (own !== undefined) await own.call(request, { requestId, signal });
    else await callManagers(state.record, { request, requestId }, { identity: state.identity, clock, signal });
  };
  return {
    attach: (request, waiting) => call({ kind: "attach-container", ...request }, waiting),
    detach: (id, waiting) => call({ kind: "detach-container", id, nodeId: state.record.nodeId }, waiting),
  };
}
