import { isIP } from "node:net";
import { OperationError } from "../../lib/errors.ts";
import type { NodeDescription, TaskStatus } from "../../model/cluster.ts";

/** What a node says of itself; every manager keeps it. */
const DESCRIPTION_CHARACTERS_MAX = 256 * 1024;
const ADDRESS_CHARACTERS_SHOWN = 50;
/** Of a status's message and of its error: what an engine says when a container does not start. */
const STATUS_CHARACTERS_MAX = 8 * 1024;

/** @throws OperationError `invalid` for more than any node has to say: it would be kept by every manager and sent to all that ask. */
export function checkDescription(description: NodeDescription): void {
  if (JSON.stringify(description).length > DESCRIPTION_CHARACTERS_MAX) {
    throw new OperationError("invalid", `a node's description has more than ${DESCRIPTION_CHARACTERS_MAX} characters`);
  }
  checkAddress(description.dataPathAddress ?? "");
}

/** Other nodes put it into their kernels' tables. @throws OperationError `invalid` for what is no address; none at all is one. */
export function checkAddress(address: string): void {
  if (address !== "" && isIP(address) === 0)
    throw new OperationError("invalid", `a node's address is no IP address: ${address.slice(0, ADDRESS_CHARACTERS_SHOWN)}`);
}

/** Cut rather than refused: the rest of a long error is of use to nobody, its beginning is. */
export function shortened(status: TaskStatus): TaskStatus {
  const { message, error } = status;
  if (message.length <= STATUS_CHARACTERS_MAX && (error ?? "").length <= STATUS_CHARACTERS_MAX) return status;
  const cut = error === undefined ? {} : { error: error.slice(0, STATUS_CHARACTERS_MAX) };
  return { ...status, message: message.slice(0, STATUS_CHARACTERS_MAX), ...cut };
}
