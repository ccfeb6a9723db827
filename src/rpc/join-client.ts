import { Metadata } from "@grpc/grpc-js";
import { CaClient } from "../gen/ca.ts";
import { OperationError } from "../lib/errors.ts";
import type { NodeSpec } from "../model/cluster.ts";
import { parseJoinToken, rootDigestHex, rootDigestText } from "../model/join-token.ts";
import type { Certificates } from "../ports/certificates.ts";
import type { Clock } from "../ports/clock.ts";
import type { IssuedCertificate } from "./backends.ts";
import { strangerCredentials, unaryCall } from "./channel.ts";
import { Dialled } from "./dialled.ts";
import { CALL_DEADLINE_MS } from "./limits.ts";
import { issuedFrom } from "./manager-clients.ts";

/** How long a manager may take to answer when there is another one to ask. */
const NEXT_MS = 5_000;

export interface EnrolOptions {
  /** host:port of managers, in the order in which they are asked: the first that answers is the one. */
  readonly addresses: readonly string[];
  readonly joinToken: string;
  readonly availability: NodeSpec["availability"];
  readonly certificates: Certificates;
  readonly clock: Clock;
  readonly signal?: AbortSignal;
}

/**
 * A new node's first certificate: the cluster's root is fetched and held against the digest in the join token, then
 * the token is shown to whoever proves to be a manager under that root.
 * @returns The certificate and the key, which never left this node, and who gave it.
 * @throws OperationError `invalid` for a wrong token, `unavailable` when nobody answers, `unauthorized` when the root is not the one that the token pins.
 */
export async function enrol(
  options: EnrolOptions,
): Promise<IssuedCertificate & { readonly keyPem: string; readonly address: string }> {
  const { rootDigest } = parseJoinToken(options.joinToken);
  // Only here others are asked: whether a certificate was given is not always known, and two would be two nodes.
  const { rootPem, address } = await firstRoot(options);
  if (rootDigestText(options.certificates.digest(rootPem)) !== rootDigest) {
    throw new OperationError("unauthorized", `remote CA does not match fingerprint. Expected: ${rootDigestHex({ rootDigest })}`);
  }
  const { csrPem, keyPem } = await options.certificates.createRequest();
  using dialled = new Dialled(CaClient, address, strangerCredentials({ rootPem }));
  const message = { csrPem, joinToken: options.joinToken, availability: options.availability, onBehalfOf: "" };
  const issued = issuedFrom(
    await unaryCall<Parameters<typeof issuedFrom>[0]>(
      callback => dialled.client.issueCertificate(message, new Metadata(), deadline(options.clock), callback),
      options,
    ),
  );
  options.certificates.verify(issued.certificatePem, { rootPem, nowMs: options.clock.nowMs() });
  return { ...issued, keyPem, address };
}

async function firstRoot({
  addresses,
  ...options
}: EnrolOptions): Promise<{ readonly rootPem: string; readonly address: string }> {
  let failure: unknown = new OperationError("invalid", "at least 1 RemoteAddr is required to join");
  for (const [index, address] of addresses.entries()) {
    try {
      const waitMs = index < addresses.length - 1 ? NEXT_MS : CALL_DEADLINE_MS;
      return { rootPem: await fetchRoot(address, { ...options, waitMs }), address };
    } catch (error) {
      options.signal?.throwIfAborted();
      failure = error;
    }
  }
  throw failure;
}

async function fetchRoot(
  address: string,
  { clock, waitMs, signal }: Pick<EnrolOptions, "clock" | "signal"> & { readonly waitMs: number },
): Promise<string> {
  using dialled = new Dialled(CaClient, address, strangerCredentials({}));
  const { certificatePem } = await unaryCall<{ certificatePem: string }>(
    callback => dialled.client.getRootCertificate({}, new Metadata(), deadline(clock, waitMs), callback),
    signal && { signal },
  );
  return certificatePem;
}

function deadline(clock: Clock, waitMs = CALL_DEADLINE_MS) {
  return { deadline: clock.nowMs() + waitMs };
}
