import { type ErrorKind, OperationError } from "../../lib/errors.ts";
import type { EngineNetworkId } from "../../model/ids.ts";

/** What a container has of a network once it has an address there. */
export interface JoinedNetwork {
  readonly networkId: EngineNetworkId;
  readonly dnsNames: readonly string[];
}

/** A container was on its networks when its ports could not be published. */
export class PortsError extends OperationError {
  /** By name. */
  readonly joined: Readonly<Record<string, JoinedNetwork>>;

  constructor(
    kind: ErrorKind,
    message: string,
    { joined, cause }: { readonly joined: Readonly<Record<string, JoinedNetwork>>; readonly cause: unknown },
  ) {
    super(kind, message, { cause });
    this.joined = joined;
  }
}

/** The networks that a container was on when something failed for its ports; none where it failed for something else. */
export function networksJoinedBefore(error: unknown): Readonly<Record<string, JoinedNetwork>> {
  if (error instanceof PortsError) return error.joined;
  return error instanceof Error && error.cause !== undefined ? networksJoinedBefore(error.cause) : {};
}
