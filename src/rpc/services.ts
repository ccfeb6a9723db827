import { Server } from "@grpc/grpc-js";
import { id, list, needed, number, optional, record, word } from "../codec/combinators.ts";
import { clusterEvent, controlCall, controlResponse } from "../codec/control.ts";
import { controlPages } from "../codec/control-pages.ts";
import { nodeDescription } from "../codec/objects.ts";
import { reportedStatus, sessionDown, sessionUp } from "../codec/session.ts";
import { OperationError } from "../lib/errors.ts";
import type { NodeSpec } from "../model/cluster.ts";
import type { ControlRequest } from "../model/control.ts";
import { asId, type NodeId } from "../model/ids.ts";
import { CaService, JoinService } from "../gen/ca.ts";
import { ControlService } from "../gen/control.ts";
import { DispatcherService, LeaderService } from "../gen/dispatcher.ts";
import type * as wire from "../gen/dispatcher.ts";
import { type RaftFrame, RaftPeerService } from "../gen/raft.ts";
import type * as backends from "./backends.ts";
import { answering, collecting, conversing, managerOnly, nodeOnly, unary } from "./handlers.ts";
import { type Peer } from "./peer.ts";
import { SEAL_KEY, Sealer, withSecrets } from "./sealing.ts";
import { mapped } from "./streams.ts";

const sessionReport = record<backends.SessionReport, wire.SessionReport>({
  managerId: id(),
  formatLevel: optional(number),
  sessions: list(
    record<backends.SessionReport["sessions"][number], wire.SessionReport_Session>({
      nodeId: id(),
      sessionId: id(),
      ageMs: number,
      silenceMs: number,
    }),
  ),
});
const statusReport = record<backends.StatusReport, wire.StatusReport>({ nodeId: id(), statuses: list(reportedStatus) });
const nodeReport = record<backends.NodeReport, wire.NodeReport>({
  nodeId: id(),
  description: needed(nodeDescription),
  address: { toWire: text => text, fromWire: text => text },
});
export const leaderReports = { sessionReport, statusReport, nodeReport };

/**
 * @param local - What is offered on the socket that only this host's daemon can open; elsewhere managers alone may call, and a
 * worker for the containers of its own node.
 */
export function addControl(
  server: Server,
  { backend, local }: { readonly backend: backends.ControlBackend; readonly local?: backends.LocalBackend },
): void {
  server.addService(ControlService, {
    call: answering(async function* (message, { peer, signal }) {
      if (local === undefined) nodeOnly(peer);
      const { request, ...call } = controlCall.fromWire(message);
      if (local === undefined && !isOfOwnContainer(request, peer)) managerOnly(peer);
      const response = await backend.call(request, { ...call, signal });
      for (const page of controlPages(response)) {
        yield controlResponse.toWire(page);
        await nextTurn();
      }
    }),
    events: answering((_message, { signal }) => {
      if (local === undefined) throw new OperationError("forbidden", "only the daemon of the same host may listen");
      return mapped(local.events({ signal }), clusterEvent.toWire);
    }),
    backup: answering((_message, { signal }) => {
      if (local === undefined) throw new OperationError("forbidden", "only the daemon of the same host may make a backup");
      return mapped(local.backup({ signal }), data => ({ data }));
    }),
  });
}

/** What a worker may ask for. */
function isOfOwnContainer(request: ControlRequest, peer: Peer | undefined): boolean {
  const { kind } = request;
  return (kind === "attach-container" || kind === "detach-container") && request.nodeId === peer?.nodeId;
}

/** Lets Raft's messages go between the pages of a long answer. */
function nextTurn(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve));
}

export function addDispatcher(server: Server, backend: backends.DispatcherBackend): void {
  server.addService(DispatcherService, {
    session: conversing((messages, { peer, signal, metadata }) => {
      const [key] = metadata.get(SEAL_KEY);
      const sealer = typeof key === "string" ? new Sealer(key) : undefined;
      const session = backend.session(nodeOnly(peer), mapped(messages, sessionUp.fromWire), { signal });
      return mapped(session, message =>
        sessionDown.toWire(sealer === undefined ? message : withSecrets(message, data => sealer.seal(data))),
      );
    }),
  });
}

export function addRaft(server: Server, backend: backends.RaftBackend): void {
  const data = (frames: AsyncIterable<RaftFrame>) => mapped(frames, frame => frame.data);
  server.addService(RaftPeerService, {
    stream: collecting(async (frames, { peer }) => {
      const sender = managerOnly(peer);
      try {
        for await (const message of data(frames)) backend.receive(message, sender);
      } finally {
        backend.disconnected(sender); // A leader's never ends while it leads.
      }
      return {};
    }),
    snapshot: collecting(async (frames, { peer }) => {
      const sender = managerOnly(peer);
      await backend.receiveSnapshot(data(frames), sender);
      return {};
    }),
  });
}

const availability = word<NodeSpec["availability"]>(["active", "pause", "drain"]);

/** @param mayActForOthers - Managers pass on renewals of other nodes; a certificate that counts no more is good for its holder alone. */
export function addCa(
  server: Server,
  { backend, mayActForOthers }: { readonly backend: backends.CaBackend; readonly mayActForOthers: boolean },
): void {
  server.addService(CaService, {
    getRootCertificate: unary(async () => ({ certificatePem: backend.rootCertificate() })),
    issueCertificate: unary(async (message, { peer, signal }) => {
      const renewed = message.joinToken === "" ? holder(peer, message.onBehalfOf, mayActForOthers) : undefined;
      const issued = await backend.issue(
        {
          csrPem: message.csrPem,
          joinToken: message.joinToken,
          availability: message.availability === "" ? "active" : availability.fromWire(message.availability),
          ...(renewed === undefined ? {} : { nodeId: renewed }),
        },
        { signal },
      );
      const { certificatePem, rootPem, nodeId, role } = issued;
      return { certificatePem, rootCertificatePem: rootPem, nodeId, role };
    }),
  });
}

/** The node a call is about: the caller, or the one that a manager passes the call on for. */
function holder(peer: Peer | undefined, onBehalfOf: string, mayActForOthers = true): NodeId {
  const caller = nodeOnly(peer);
  if (onBehalfOf === "" || onBehalfOf === caller.nodeId) return caller.nodeId;
  // Whoever asked it asks another manager: nothing is wrong with its own certificate.
  if (!mayActForOthers || caller.role !== "manager")
    throw new OperationError("unavailable", "the manager that passed this on is none any more");
  return asId(onBehalfOf);
}

export function addJoin(server: Server, backend: backends.JoinBackend): void {
  server.addService(JoinService, {
    join: unary(async ({ address, onBehalfOf, formatLevel }, { peer, signal }) => {
      const { role } = managerOnly(peer);
      if (address === "") throw new OperationError("invalid", "a manager's address is needed");
      const joined = await backend.join(
        { nodeId: holder(peer, onBehalfOf), role },
        { address, signal, ...(formatLevel !== undefined && { formatLevel }) },
      );
      return { raftId: joined.raftId, members: [...joined.members] };
    }),
    leave: unary(async ({ onBehalfOf }, { peer, signal }) => {
      await backend.leave({ nodeId: holder(peer, onBehalfOf) }, { signal });
      return {};
    }),
  });
}

export function addLeader(server: Server, backend: backends.LeaderBackend): void {
  server.addService(LeaderService, {
    writeStatuses: unary(async (message, { peer, signal }) => {
      managerOnly(peer);
      await backend.writeStatuses(statusReport.fromWire(message), { signal });
      return {};
    }),
    writeManyStatuses: unary(async ({ reports }: wire.StatusReports, { peer, signal }) => {
      managerOnly(peer);
      await Promise.all(reports.map(message => backend.writeStatuses(statusReport.fromWire(message), { signal })));
      return {};
    }),
    describeNode: unary(async (message, { peer, signal }) => {
      managerOnly(peer);
      await backend.describeNode(nodeReport.fromWire(message), { signal });
      return {};
    }),
    reportSessions: unary(async (message, { peer, signal }) => {
      managerOnly(peer);
      const { fenced } = await backend.reportSessions(sessionReport.fromWire(message), { signal });
      return { fenced: [...fenced], takesManyStatuses: true };
    }),
  });
}
