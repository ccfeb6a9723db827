// Loaded before the tests begin: its helper library declares globals, which --check-leaks would report.
import "reflect-metadata";
import "@peculiar/x509";
import type { ServiceSpec } from "../../../../src/model/cluster.ts";
import type { ControlRequest, ControlResponse } from "../../../../src/model/control.ts";
import { asId, type ClusterId, type NodeId, type RequestId } from "../../../../src/model/ids.ts";
import { createControlApi } from "../../../../src/manager/control-api/control-api.ts";
import { makeInitialEntry } from "../../../../src/manager/control-api/initial.ts";
import { Proposals } from "../../../../src/manager/store/proposals.ts";
import { Store } from "../../../../src/manager/store/store.ts";
import type { CertificateWithKey } from "../../../../src/ports/certificates.ts";
import { systemCertificates as certificates } from "../../../../src/system/certificates.ts";
import { systemClock } from "../../../../src/system/clock.ts";
import { CfsslSigner } from "../../../../src/system/external-signer.ts";
import { CountingRandom, newRequestId, SoloConsensus, StillClock } from "../ca/fakes.ts";
import { aSpec } from "../store/objects.ts";

let root: Promise<CertificateWithKey> | undefined;

/** One manager that leads, with what `swarm init` writes. */
export async function aCluster() {
  const store = new Store();
  const consensus = new SoloConsensus(store);
  const clock = new StillClock();
  const random = new CountingRandom();
  const proposals = new Proposals({ consensus, clock, level: () => store.view().formatLevel });
  const ofCluster = await (root ??= certificates.createRoot({ nowMs: clock.nowMs() }));
  const { csrPem, keyPem } = await certificates.createRequest();
  const named = { nodeId: asId<NodeId>("node1"), clusterId: asId<ClusterId>("cluster1"), role: "manager" as const };
  const period = { nowMs: systemClock.nowMs(), lifetimeMs: 3_600_000 };
  const certificatePem = await certificates.issue({ csrPem, root: ofCluster, ...named, ...period });
  const identity = { certificatePem, keyPem, rootPem: ofCluster.certificatePem };
  const external = new CfsslSigner({ identity: () => identity, clock: systemClock });
  const options = { store, consensus, clock, random, proposals, certificates, external };
  const initial = makeInitialEntry({
    ...named,
    ingressId: asId("ingress1"),
    root: ofCluster,
    managerAddress: "127.0.0.1:2377",
    raftId: 1,
    availability: "active",
    certificates,
    random,
  });
  await proposals.propose(initial);
  const api = createControlApi(options);
  const call = (request: ControlRequest, requestId: RequestId = newRequestId()) => api.call(request, { requestId });
  return { ...options, identity, api, call };
}

export type TestCluster = Awaited<ReturnType<typeof aCluster>>;

export async function created({ call }: TestCluster, request: ControlRequest): Promise<string> {
  const response = await call(request);
  if (response.kind !== "created") throw new Error(`expected an id, got ${response.kind}`);
  return response.id;
}

export async function theService({ call }: TestCluster, idOrName: string) {
  const { services } = expectKind(await call({ kind: "get-service", idOrName }), "services");
  const [view] = services;
  if (view === undefined) throw new Error("no service in the answer");
  return view.service;
}

export function expectKind<Kind extends ControlResponse["kind"]>(
  response: ControlResponse,
  kind: Kind,
): Extract<ControlResponse, { readonly kind: Kind }> {
  if (response.kind !== kind) throw new Error(`expected ${kind}, got ${response.kind}`);
  return response as Extract<ControlResponse, { readonly kind: Kind }>;
}

/** A spec with one part of its container or task replaced. */
export function specWith(
  name: string,
  {
    container = {},
    task = {},
    ...rest
  }: Partial<Omit<ServiceSpec, "task">> & {
    readonly container?: Partial<ServiceSpec["task"]["container"]>;
    readonly task?: Partial<ServiceSpec["task"]>;
  },
): ServiceSpec {
  const spec = aSpec(name);
  return { ...spec, ...rest, task: { ...spec.task, ...task, container: { ...spec.task.container, ...container } } };
}
