import assert from "node:assert/strict";
import fc from "fast-check";
import { controlCall, requestOutcomeBytes } from "../../../src/codec/control.ts";
import { assignedTaskBytes, assignmentBytes, sessionDown, sessionUp } from "../../../src/codec/session.ts";
import { ControlCallRequest } from "../../../src/gen/control.ts";
import * as wire from "../../../src/gen/dispatcher.ts";
import type { ControlRequest, RequestOutcome } from "../../../src/model/control.ts";
import { asId } from "../../../src/model/ids.ts";
import type { Assignment, SessionDown, SessionUp } from "../../../src/model/session.ts";
import * as any from "./arbitraries.ts";

const text = fc.string({ maxLength: 8 });
const count = fc.nat();
const flag = fc.boolean();
const some = <T>(item: fc.Arbitrary<T>) => fc.array(item, { maxLength: 2 });
const filters = fc.dictionary(text, fc.array(text, { maxLength: 3 }), { maxKeys: 3, noNullPrototype: true });
const data = fc.uint8Array({ maxLength: 20 }).map(value => Uint8Array.from(value));
const id = <Id extends Parameters<typeof asId>[0]>() => any.anyId() as fc.Arbitrary<never> & fc.Arbitrary<Id>;

type Parts<Message> = { readonly [Key in keyof Omit<Message, "kind">]: fc.Arbitrary<unknown> };

/** One arbitrary a kind; the compiler sees to it that no kind and no field is forgotten. */
type AllKinds<Union extends { readonly kind: string }> = {
  readonly [Kind in Union["kind"]]: Parts<Extract<Union, { readonly kind: Kind }>>;
};

function messages<Union extends { readonly kind: string }>(kinds: AllKinds<Union>): [string, fc.Arbitrary<Union>][] {
  return Object.entries<Record<string, fc.Arbitrary<unknown>>>(kinds as never).map(([kind, parts]) => [
    kind,
    fc.record({ kind: fc.constant(kind), ...parts }, { noNullPrototype: true }) as fc.Arbitrary<unknown> as fc.Arbitrary<Union>,
  ]);
}

const byName = { idOrName: text };
const requests = messages<ControlRequest>({
  "get-cluster": {},
  "update-cluster": {
    ...{ version: count, spec: any.clusterSpec, rotateWorkerToken: flag, rotateManagerToken: flag, rotateUnlockKey: flag },
    signingCa: fc.record({ certificatePem: text, keyPem: text }, { noNullPrototype: true }),
  },
  "get-unlock-key": {},
  "create-service": { spec: any.serviceSpec },
  "update-service": { id: id(), version: count, spec: any.serviceSpec, rollback: flag },
  "remove-service": byName,
  "get-service": byName,
  "list-services": { filters },
  "get-task": { id: text },
  "list-tasks": { filters },
  "get-node": byName,
  "list-nodes": { filters },
  "update-node": { id: id(), version: count, spec: any.nodeSpec },
  "remove-node": { ...byName, force: flag },
  "create-network": { spec: any.networkSpec },
  "get-network": byName,
  "list-networks": { filters },
  "remove-network": byName,
  "attach-container": {
    ...{ id: id(), nodeId: id(), network: text, containerId: text, containerName: text },
    ...{ aliases: some(text), addresses: some(text) },
  },
  "detach-container": { id: id(), nodeId: id() },
  "create-secret": { spec: any.blobSpec },
  "get-secret": byName,
  "list-secrets": { filters },
  "update-secret": { id: id(), version: count, spec: any.blobSpec },
  "remove-secret": byName,
  "create-config": { spec: any.blobSpec },
  "get-config": byName,
  "list-configs": { filters },
  "replace-secret": { id: id(), version: count, data: any.data, reloadSignal: fc.string() },
  "replace-config": { id: id(), version: count, data: any.data },
  "update-config": { id: id(), version: count, spec: any.blobSpec },
  "remove-config": byName,
  "state-hash": {},
});

const record = (fields: Record<string, fc.Arbitrary<unknown>>) => fc.record(fields, { noNullPrototype: true });
const responses = messages<RequestOutcome>({
  done: {},
  created: { id: text, warnings: some(text) },
  cluster: { cluster: any.cluster },
  services: { services: some(record({ service: any.service, runningTasks: count, desiredTasks: count, completedTasks: count })) },
  tasks: { tasks: some(record({ task: any.task, revision: any.revision, serviceName: text, networks: some(any.network) })) },
  nodes: { nodes: some(record({ node: any.node, isLeader: flag, isReachable: flag })) },
  networks: { networks: some(any.network) },
  secrets: { secrets: some(any.secret) },
  configs: { configs: some(any.config) },
  "unlock-key": { version: count, key: any.data },
  "state-hash": { index: count, hash: text },
  refusal: { errorKind: fc.constantFrom("conflict", "not-found"), message: text },
});

const ups = messages<SessionUp>({
  hello: { description: any.nodeDescription, address: text },
  beat: {},
  statuses: { statuses: some(record({ taskId: id(), status: any.taskStatus })) },
});

const assignedTask = record({
  task: any.task,
  revision: any.revision,
  serviceName: text,
  serviceLabels: fc.dictionary(text, text, { maxKeys: 2, noNullPrototype: true }),
});
const virtualIp = record({ networkId: id(), address: text });
const blob = record({ id: text, data, templateDriver: fc.constant("golang") });
const assignments = messages<Assignment>({
  task: { task: assignedTask },
  network: { network: any.network },
  peer: {
    peer: record({ nodeId: id(), hostname: text, address: text, ingressNumber: count, ingressAddress: text, isDown: flag }),
  },
  service: {
    service: record({
      ...{ id: id(), name: text, endpointMode: fc.constantFrom("vip", "dnsrr") },
      ...{ virtualIps: some(virtualIp), ports: some(any.port) },
    }),
  },
  endpoint: {
    endpoint: fc.record(
      {
        ...{ taskId: id(), serviceId: id(), taskName: text, nodeId: id(), isServing: flag, containerId: text },
        networks: some(record({ networkId: id(), address: text, aliases: some(text) })),
      },
      { noNullPrototype: true, requiredKeys: ["taskId", "serviceId", "taskName", "nodeId", "isServing", "networks"] },
    ),
  },
  secret: { secret: blob },
  config: { config: blob },
});
const assignment = fc.oneof(...assignments.map(([, each]) => each));
const keys = fc.constantFrom(...assignments.map(([kind]) => kind));
const downs = messages<SessionDown>({
  welcome: { sessionId: id(), beatPeriodMs: count },
  managers: { addresses: some(text), nodeIds: some(id()) },
  authority: { authority: record({ rootsPem: text, issuer: any.certificateIssuer, spreadMs: count }) },
  role: { role: fc.constantFrom("worker", "manager") },
  assignments: {
    assignments: record({
      ...{ sequence: count, isFull: flag, put: some(assignment) },
      removed: some(record({ kind: keys, id: text })),
    }),
  },
});

function gives<T>(arbitrary: fc.Arbitrary<T>, back: (value: T) => T): void {
  fc.assert(
    fc.property(arbitrary, value => assert.deepEqual(back(value), value)),
    { numRuns: 25 },
  );
}

describe("messages between nodes", () => {
  for (const [kind, request] of requests) {
    it(`carry the control request ${kind} as it is`, () => {
      gives(request, value => {
        const call = { requestId: asId<never>("r"), isForwarded: true, mayRepeat: true, request: value };
        const data = ControlCallRequest.encode(controlCall.toWire(call)).finish();
        return controlCall.fromWire(ControlCallRequest.decode(data)).request;
      });
    });
  }
  for (const [kind, response] of responses) {
    it(`carry the control response ${kind} as it is`, () => {
      gives(response, value => requestOutcomeBytes.decode(requestOutcomeBytes.encode(value)));
    });
  }
  for (const [kind, up] of ups) {
    it(`carry ${kind} up a session as it is`, () => {
      gives(up, value => sessionUp.fromWire(wire.SessionUp.decode(wire.SessionUp.encode(sessionUp.toWire(value)).finish())));
    });
  }
  it("take what a worker of another version says up a session for a sign of life", () => {
    const acknowledgement = Uint8Array.of(0x22, 2, 0x08, 3); // Field 4, which workers sent once.
    assert.deepEqual(sessionUp.fromWire(wire.SessionUp.decode(acknowledgement)), { kind: "beat" });
  });
  for (const [kind, down] of downs) {
    it(`carry ${kind} down a session as it is`, () => {
      gives(down, value =>
        sessionDown.fromWire(wire.SessionDown.decode(wire.SessionDown.encode(sessionDown.toWire(value)).finish())),
      );
    });
  }
  for (const [kind, each] of assignments) {
    it(`carry the assignment of a ${kind} as it is`, () => {
      gives(each, value => assignmentBytes.decode(assignmentBytes.encode(value)));
    });
  }
  it("keep an assigned task for a worker's restart", () => {
    gives(assignedTask as fc.Arbitrary<never>, value => assignedTaskBytes.decode(assignedTaskBytes.encode(value)) as never);
  });
});
