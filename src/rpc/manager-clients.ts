import { Client, connectivityState, Metadata } from "@grpc/grpc-js";
import { CaClient, JoinClient } from "../gen/ca.ts";
import { ControlClient } from "../gen/control.ts";
import { LeaderClient } from "../gen/dispatcher.ts";
import { word } from "../codec/combinators.ts";
import type { NodeRole } from "../model/cluster.ts";
import type { ControlCallOptions, ControlRequest, ControlResponse } from "../model/control.ts";
import { OperationError } from "../lib/errors.ts";
import { asId, type NodeId, type SessionId } from "../model/ids.ts";
import type { NodeIdentity } from "../ports/certificates.ts";
import type { Clock } from "../ports/clock.ts";
import type { RaftMember } from "../ports/consensus.ts";
import type { IssueCall, IssuedCertificate, LeaderBackend } from "./backends.ts";
import { memberCredentials, unaryCall } from "./channel.ts";
import { callControl } from "./control-client.ts";
import { Dialled, HANDSHAKE_MS } from "./dialled.ts";
import { CALL_DEADLINE_MS, CONNECT_MS, CONTROL_BYTES_MAX } from "./limits.ts";
import { leaderReports } from "./services.ts";
import { StatusBatches } from "./status-batches.ts";

interface Waiting {
  readonly signal?: AbortSignal;
}

/** Clients kept open at once: more addresses than a cluster has managers. */
const CLIENTS_MAX = 32;
interface Kept {
  readonly dialled: Dialled<Client>;
  readonly identity: NodeIdentity;
  /** On the monotonic clock, when it was found connecting and not connected since. */
  connectingSinceMs: number | undefined;
}

const roleWord = word<NodeRole>(["worker", "manager"]);

/** What this node calls at managers' ports, by address, with its certificate. Connections are kept. */
export class ManagerClients implements AsyncDisposable {
  readonly #identity: () => NodeIdentity;
  readonly #clock: Clock;
  readonly #clients = new Map<string, Kept>();

  readonly #statuses = new Map<string, StatusBatches>();
  readonly #over = new AbortController();

  /** @param identity - Asked for each call: after a renewal new connections are made with the new certificate. */
  constructor({ identity, clock }: { readonly identity: () => NodeIdentity; readonly clock: Clock }) {
    this.#identity = identity;
    this.#clock = clock;
  }

  /**
   * Connects to these ahead of the first call, and again when a connection is lost: to be called every so often. A new leader is asked by
   * everybody, at a port where the workers of the lost one stand in line.
   */
  keep(addresses: readonly string[]): void {
    for (const address of addresses) {
      this.#client("control", ControlClient, address).getChannel().getConnectivityState(true);
      this.#client("leader", LeaderClient, address).getChannel().getConnectivityState(true);
    }
  }

  /** A control call: passed on to the leader, or a worker's own. */
  async control(
    address: string,
    request: ControlRequest,
    options: Waiting & ControlCallOptions & { readonly isForwarded?: boolean },
  ): Promise<ControlResponse> {
    const client = this.#client("control", ControlClient, address);
    return await callControl(client, request, { isForwarded: true, ...options, nowMs: this.#clock.nowMs() });
  }

  /** The dispatcher's calls to the manager that leads. */
  leader(address: string): LeaderBackend {
    const client = () => this.#client("leader", LeaderClient, address);
    const { nodeReport, sessionReport } = leaderReports;
    const statuses = this.#statusesFor(address);
    return {
      writeStatuses: (report, options) => statuses.write(report, options),
      describeNode: async (report, options) => {
        const message = nodeReport.toWire(report);
        await unaryCall(callback => client().describeNode(message, new Metadata(), this.#deadline(), callback), options);
      },
      reportSessions: async (report, options) => {
        const message = sessionReport.toWire(report);
        const { fenced, takesManyStatuses } = await unaryCall<{ fenced: string[]; takesManyStatuses: boolean }>(
          callback => client().reportSessions(message, new Metadata(), this.#deadline(), callback),
          options,
        );
        statuses.takesMany = takesManyStatuses;
        return { fenced: fenced.map(text => asId<SessionId>(text)) };
      },
    };
  }

  /** One for an address, so that reports find each other. */
  #statusesFor(address: string): StatusBatches {
    const known = this.#statuses.get(address);
    if (known !== undefined) return known;
    const client = () => this.#client("leader", LeaderClient, address);
    const { statusReport } = leaderReports;
    const statuses = new StatusBatches({
      clock: this.#clock,
      calls: {
        one: async (report, options) => {
          const message = statusReport.toWire(report);
          await unaryCall(callback => client().writeStatuses(message, new Metadata(), this.#deadline(), callback), options);
        },
        many: async reports => {
          const message = { reports: reports.map(report => statusReport.toWire(report)) };
          await unaryCall(
            callback => client().writeManyStatuses(message, new Metadata(), this.#deadline(), callback),
            this.#over,
          );
        },
      },
    });
    const [oldest] = this.#statuses.keys();
    if (this.#statuses.size >= CLIENTS_MAX && oldest !== undefined) this.#statuses.delete(oldest);
    this.#statuses.set(address, statuses);
    return statuses;
  }

  /** A renewal, or a call that a follower passes on to the leader. */
  async issue(address: string, call: IssueCall, options: Waiting = {}): Promise<IssuedCertificate> {
    const { csrPem, joinToken, availability, nodeId = "" } = call;
    const message = { csrPem, joinToken, availability, onBehalfOf: nodeId };
    const client = this.#client("ca", CaClient, address);
    const issued = await unaryCall<Parameters<typeof issuedFrom>[0]>(
      callback => client.issueCertificate(message, new Metadata(), this.#deadline(), callback),
      options,
    );
    return issuedFrom(issued);
  }

  /** Asks a manager to be added to Raft as `own`, or, on the way to the leader, for another node. */
  async join(
    address: string,
    options: Waiting & { readonly own: string; readonly formatLevel?: number; readonly onBehalfOf?: NodeId | "" },
  ): Promise<{ readonly raftId: number; readonly members: readonly RaftMember[] }> {
    const client = this.#client("join", JoinClient, address);
    const { own, formatLevel, onBehalfOf = "", signal } = options;
    const message = { address: own, formatLevel, onBehalfOf };
    return await unaryCall(
      callback => client.join(message, new Metadata(), this.#deadline(), callback),
      signal === undefined ? {} : { signal },
    );
  }

  async leave(address: string, { onBehalfOf = "", signal }: Waiting & { readonly onBehalfOf?: NodeId | "" } = {}): Promise<void> {
    const client = this.#client("join", JoinClient, address);
    await unaryCall(
      callback => client.leave({ onBehalfOf }, new Metadata(), this.#deadline(), callback),
      signal === undefined ? {} : { signal },
    );
  }

  #deadline() {
    return { deadline: this.#clock.nowMs() + CALL_DEADLINE_MS };
  }

  /** One client a service and address: the generated classes have no names of their own to tell them apart. */
  #client<T extends Client>(
    service: string,
    Type: new (address: string, ...rest: [ReturnType<typeof memberCredentials>, object]) => T,
    address: string,
  ): T {
    const key = `${service} ${address}`;
    const identity = this.#identity();
    const known = this.#clients.get(key);
    if (known?.identity === identity && known.dialled.client instanceof Type && !this.#isStuck(known))
      return known.dialled.client;
    known?.dialled[Symbol.dispose]();
    this.#clients.delete(key);
    const [oldest] = this.#clients;
    if (this.#clients.size >= CLIENTS_MAX && oldest !== undefined) {
      oldest[1].dialled[Symbol.dispose]();
      this.#clients.delete(oldest[0]);
    }
    const options = { "grpc.max_receive_message_length": CONTROL_BYTES_MAX };
    const dialled = new Dialled(Type, address, memberCredentials(identity), options);
    this.#clients.set(key, { dialled, identity, connectingSinceMs: undefined });
    return dialled.client;
  }

  /** A host that said nothing for so long is asked anew: the kernel would wait up to a minute until it asks again. */
  #isStuck(kept: Kept): boolean {
    const { dialled } = kept;
    const nowMs = this.#clock.monotonicMs();
    const isConnecting = dialled.client.getChannel().getConnectivityState(false) === connectivityState.CONNECTING;
    kept.connectingSinceMs = isConnecting ? (kept.connectingSinceMs ?? nowMs) : undefined;
    const limitMs = dialled.isAnswered ? CONNECT_MS + HANDSHAKE_MS : CONNECT_MS;
    return kept.connectingSinceMs !== undefined && nowMs - kept.connectingSinceMs > limitMs;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over.abort(new OperationError("unavailable", "this node calls no manager any more"));
    for (const { dialled } of this.#clients.values()) dialled[Symbol.dispose]();
    this.#clients.clear();
  }
}

export function issuedFrom(message: {
  readonly certificatePem: string;
  readonly rootCertificatePem: string;
  readonly nodeId: string;
  readonly role: string;
}): IssuedCertificate {
  const { certificatePem, rootCertificatePem, nodeId, role } = message;
  return { certificatePem, rootPem: rootCertificatePem, nodeId: asId(nodeId), role: roleWord.fromWire(role) };
}
