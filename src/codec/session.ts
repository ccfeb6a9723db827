import type * as model from "../model/session.ts";
import * as wire from "../gen/dispatcher.ts";
import {
  bytes,
  bytesOf,
  type BytesCodec,
  type Codec,
  flag,
  id,
  labels,
  list,
  needed,
  number,
  optional,
  record,
  text,
  union,
  word,
} from "./combinators.ts";
import { certificateIssuer, network, nodeDescription, task, taskStatus, templateDriver } from "./objects.ts";
import { port, revision, virtualIp } from "./service.ts";

type Variant<Union extends { readonly kind: string }, Kind extends Union["kind"]> = Omit<
  Extract<Union, { readonly kind: Kind }>,
  "kind"
>;
type Up<Kind extends model.SessionUp["kind"]> = Variant<model.SessionUp, Kind>;
type Down<Kind extends model.SessionDown["kind"]> = Variant<model.SessionDown, Kind>;
type Given<Kind extends model.Assignment["kind"]> = Variant<model.Assignment, Kind>;

/** A task's status as its node reports it. */
export const reportedStatus = record<Up<"statuses">["statuses"][number], wire.SessionUp_Status>({
  taskId: id(),
  status: needed(taskStatus),
});

const upCases = union<model.SessionUp, NonNullable<wire.SessionUp["message"]>>({
  hello: ["hello", record<Up<"hello">, wire.SessionUp_Hello>({ description: needed(nodeDescription), address: text })],
  beat: ["beat", record<Up<"beat">, wire.SessionUp_Beat>({})],
  statuses: ["statuses", record<Up<"statuses">, wire.SessionUp_Statuses>({ statuses: list(reportedStatus) })],
});

export const sessionUp: Codec<model.SessionUp, wire.SessionUp> = {
  toWire: value => ({ message: upCases.toWire(value) }),
  // What a worker of another version says and this program does not know still tells that the worker is there.
  fromWire: ({ message }) => (message === undefined ? { kind: "beat" } : upCases.fromWire(message)),
};

const assignedTask = record<model.AssignedTask, wire.AssignedTask>({
  task: needed(task),
  revision: needed(revision),
  serviceName: text,
  serviceLabels: labels,
});

const peer = record<model.Peer, wire.Peer>({
  nodeId: id(),
  hostname: text,
  address: text,
  ingressNumber: number,
  ingressAddress: text,
  isDown: flag,
});

const assignedService = record<model.AssignedService, wire.AssignedService>({
  id: id(),
  name: text,
  endpointMode: word(["vip", "dnsrr"]),
  virtualIps: list(virtualIp),
  ports: list(port),
});

const endpoint = record<model.Endpoint, wire.Endpoint>({
  taskId: id(),
  serviceId: id(),
  taskName: text,
  nodeId: id(),
  networks: list(
    record<model.Endpoint["networks"][number], wire.EndpointNetwork>({ networkId: id(), address: text, aliases: list(text) }),
  ),
  isServing: flag,
  containerId: optional(text),
});

const blob = record<model.AssignedBlob, wire.AssignedBlob>({
  id: text,
  data: bytes,
  reloadSignal: optional(text),
  templateDriver: optional(templateDriver),
});

const assignmentCases = union<model.Assignment, NonNullable<wire.Assignment["assignment"]>>({
  task: ["task", record<Given<"task">, wire.Assignment_TaskAssignment>({ task: needed(assignedTask) })],
  network: ["network", record<Given<"network">, wire.Assignment_NetworkAssignment>({ network: needed(network) })],
  peer: ["peer", record<Given<"peer">, wire.Assignment_PeerAssignment>({ peer: needed(peer) })],
  service: ["service", record<Given<"service">, wire.Assignment_ServiceAssignment>({ service: needed(assignedService) })],
  endpoint: ["endpoint", record<Given<"endpoint">, wire.Assignment_EndpointAssignment>({ endpoint: needed(endpoint) })],
  secret: ["secret", record<Given<"secret">, wire.Assignment_SecretAssignment>({ secret: needed(blob) })],
  config: ["config", record<Given<"config">, wire.Assignment_ConfigAssignment>({ config: needed(blob) })],
});
const assignment: Codec<model.Assignment, wire.Assignment> = {
  toWire: value => ({ assignment: assignmentCases.toWire(value) }),
  fromWire: value => assignmentCases.fromWire(value.assignment),
};

const assignments = record<model.Assignments, wire.Assignments>({
  sequence: number,
  isFull: flag,
  put: list(assignment),
  removed: list(
    record<model.AssignmentKey, wire.AssignmentKey>({
      kind: word(["task", "network", "peer", "service", "endpoint", "secret", "config"]),
      id: text,
    }),
  ),
});

const authorityFields = record<model.Authority, wire.SessionDown_Authority>({
  rootsPem: text,
  issuer: needed(certificateIssuer),
  spreadMs: number,
});
const authority: Codec<Down<"authority">, wire.SessionDown_Authority> = {
  toWire: value => authorityFields.toWire(value.authority),
  fromWire: value => ({ authority: authorityFields.fromWire(value) }),
};

const downCases = union<model.SessionDown, NonNullable<wire.SessionDown["message"]>>({
  welcome: ["welcome", record<Down<"welcome">, wire.SessionDown_Welcome>({ sessionId: id(), beatPeriodMs: number })],
  managers: ["managers", record<Down<"managers">, wire.SessionDown_Managers>({ addresses: list(text), nodeIds: list(id()) })],
  authority: ["authority", authority],
  role: ["role", record<Down<"role">, wire.SessionDown_Role>({ role: word(["worker", "manager"]) })],
  assignments: [
    "assignments",
    record<Down<"assignments">, wire.SessionDown_AssignmentsMessage>({ assignments: needed(assignments) }),
  ],
});

export const sessionDown: Codec<model.SessionDown, wire.SessionDown> = {
  toWire: value => ({ message: downCases.toWire(value) }),
  fromWire: value => downCases.fromWire(value.message),
};

/** A task as a worker keeps it over its own restarts. */
export const assignedTaskBytes: BytesCodec<model.AssignedTask> = bytesOf(assignedTask, wire.AssignedTask);
/** Any assignment, secrets among them: for memory and wires, not for disks. */
export const assignmentBytes: BytesCodec<model.Assignment> = bytesOf(assignment, wire.Assignment);
