import { Metadata } from "@grpc/grpc-js";
import { sessionDown, sessionUp } from "../codec/session.ts";
import { DispatcherClient } from "../gen/dispatcher.ts";
import type { SessionDown, SessionUp } from "../model/session.ts";
import type { NodeIdentity } from "../ports/certificates.ts";
import type { Clock } from "../ports/clock.ts";
import { memberCredentials } from "./channel.ts";
import { Dialled } from "./dialled.ts";
import { fromStatus } from "./status.ts";
import { Opener, SEAL_KEY, withSecrets } from "./sealing.ts";
import { incoming, mapped, send } from "./streams.ts";

/**
 * A worker's session with the manager at `address`, on a connection of its own. What `up` yields is sent as fast as the
 * manager takes it. Secrets in a message are the reader's until it asks for the next one. Ends when the manager ends it;
 * leaving the loop, or aborting, closes the connection.
 * @throws OperationError: what the manager refused with, or `unavailable` when the connection is lost; the signal's reason.
 */
export async function* openSession(options: {
  readonly address: string;
  readonly identity: NodeIdentity;
  readonly up: AsyncIterable<SessionUp>;
  /** In this time the host has to answer. */
  readonly connectMs: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}): AsyncGenerator<SessionDown, undefined> {
  const { address, identity, up, connectMs, clock } = options;
  const over = new AbortController();
  const signal = AbortSignal.any([options.signal, over.signal]);
  using dialled = new Dialled(DispatcherClient, address, memberCredentials(identity));
  dialled.connected(connectMs, clock).catch((error: unknown) => over.abort(error));
  const opener = new Opener();
  const metadata = new Metadata();
  metadata.set(SEAL_KEY, opener.publicKey);
  const call = dialled.client.session(metadata);
  const sending = send(call, mapped(up, sessionUp.toWire), { signal }).then(
    () => call.end(),
    () => call.cancel(), // The reading side tells why.
  );
  try {
    for await (const message of incoming<Parameters<typeof sessionDown.fromWire>[0]>(call, { signal })) {
      yield* opened(sessionDown.fromWire(message), opener);
    }
  } catch (error) {
    throw options.signal.aborted ? error : fromStatus(error);
  } finally {
    over.abort();
    call.on("error", () => {}); // A cancelled call says so; nobody is left to hear it.
    call.cancel();
    void sending;
  }
}

/** The message with its secrets open, which are wiped when the reader comes for the next one: it has made its own of them. */
function* opened(message: SessionDown, opener: Opener): Generator<SessionDown, void, undefined> {
  const secrets: Uint8Array[] = [];
  try {
    yield withSecrets(message, sealed => {
      const data = opener.open(sealed);
      secrets.push(data);
      return data;
    });
  } finally {
    for (const data of secrets) data.fill(0);
  }
}
