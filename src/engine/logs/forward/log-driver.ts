import type { LogSubject } from "../log-subject.ts";
import type { LogMessage } from "./log-message.ts";
import type { LogNetwork } from "./log-network.ts";

/** A driver that sends logs elsewhere. */
export interface LogDriver {
  /** What Docker checks when a container is created. @throws OperationError `invalid` in Docker's words. */
  check(options: Readonly<Record<string, string>>): void;
  /** And what it checks when one starts. @throws OperationError `invalid` in Docker's words. */
  route(subject: LogSubject): LogRoute;
}

/** Where a container's log goes, and how stubbornly. */
export interface LogRoute {
  /** The container starts though the server is not there. */
  readonly startsUnconnected?: boolean;
  /** After as many failures in a row what was printed until then is given up. Missing: never. */
  readonly triesMax?: number;
  /** First pause between tries; it grows up to a minute. */
  readonly retryMs?: number;
  /** A connection that is older is made anew. */
  readonly connectionMsMax?: number;
  /** At most so much is handed to `send` at once. */
  readonly batchBytesMax?: number;
  /** @throws OperationError `unavailable` in Docker's words. */
  connect(network: LogNetwork, options: { readonly signal: AbortSignal }): Promise<LogDestination>;
}

export interface LogDestination {
  /** What `send` has resolved for is known to be there. Otherwise it counts as there when the connection still holds a second later. */
  readonly isConfirming: boolean;
  /** Resolves with the reason when the connection is over. */
  readonly closed?: Promise<Error>;
  /** Resolves when all is on its way; waits while the server takes nothing. */
  send(messages: readonly LogMessage[], options: { readonly signal: AbortSignal }): Promise<void>;
  /** Nothing more comes: resolves when what was sent has left, if that can be known. */
  end(): Promise<void>;
  close(): void;
}
