import { Metadata } from "@grpc/grpc-js";
import { CaClient } from "../gen/ca.ts";
import { OperationError } from "../lib/errors.ts";
import type { NodeSpec } from "../model/cluster.ts";
import { parseJoinToken, rootDigestText } from "../model/join-token.ts";
import type { Certificates } from "../ports/certificates.ts";
import type { Clock } from "../ports/clock.ts";
import type { IssuedCertificate } from "./backends.ts";
import { strangerCredentials, unaryCall } from "./channel.ts";
import { CALL_DEADLINE_MS, clientOptions } from "./limits.ts";
import { issuedFrom } from "./manager-clients.ts";

export interface EnrolOptions {
  /** host:port of a manager. */
  readonly address: string;
  readonly joinToken: string;
  readonly availability: NodeSpec["availability"];
  readonly certificates: Certificates;
  readonly clock: Clock;
  readonly signal?: AbortSignal;
}

/**
 * A new node's first certificate: the cluster's root is fetched and held against the digest in the join token, then
 * the token is shown to whoever proves to be a manager under that root.
 * @returns The certificate and the key, which never left this node.
 * @throws OperationError `invalid` for a wrong token, `unauthorized` when the root is not the one that the token pins.
 */
export async function enrol(options: EnrolOptions): Promise<IssuedCertificate & { readonly keyPem: string }> {
  const { rootDigest } = parseJoinToken(options.joinToken);
  const rootPem = await fetchRoot(options);
  if (rootDigestText(options.certificates.digest(rootPem)) !== rootDigest) {
    throw new OperationError("unauthorized", "remote CA does not match fingerprint. Expected: the digest in the join token");
  }
  const { csrPem, keyPem } = await options.certificates.createRequest();
  const client = new CaClient(options.address, strangerCredentials({ rootPem }), clientOptions);
  try {
    const message = { csrPem, joinToken: options.joinToken, availability: options.availability, onBehalfOf: "" };
    const issued = issuedFrom(
      await unaryCall<Parameters<typeof issuedFrom>[0]>(
        callback => client.issueCertificate(message, new Metadata(), deadline(options.clock), callback),
        options,
      ),
    );
    options.certificates.verify(issued.certificatePem, { rootPem, nowMs: options.clock.nowMs() });
    return { ...issued, keyPem };
  } finally {
    client.close();
  }
}

async function fetchRoot({ address, clock, ...options }: EnrolOptions): Promise<string> {
  const client = new CaClient(address, strangerCredentials({}), clientOptions);
  try {
    const { certificatePem } = await unaryCall<{ certificatePem: string }>(
      callback => client.getRootCertificate({}, new Metadata(), deadline(clock), callback),
      options,
    );
    return certificatePem;
  } finally {
    client.close();
  }
}

function deadline(clock: Clock) {
  return { deadline: clock.nowMs() + CALL_DEADLINE_MS };
}
