import type * as model from "../model/cluster.ts";
import type * as wire from "../gen/objects.ts";
import type { TaskAttachment } from "../model/task-attachment.ts";
import { TASK_STATES } from "../model/task-state.ts";
import {
  bytes,
  flag,
  id,
  labels,
  list,
  needed,
  number,
  optional,
  record,
  text,
  word,
  wrappedLabels,
  wrappedList,
} from "./combinators.ts";
import { genericResources, metaFields, platform, port, sequencedFields } from "./service.ts";

export const taskStatus = record<model.TaskStatus, wire.TaskStatus>({
  state: word(TASK_STATES),
  atMs: number,
  message: text,
  error: optional(text),
  container: optional(
    record<NonNullable<model.TaskStatus["container"]>, wire.TaskStatus_Container>({
      containerId: text,
      pid: number,
      exitCode: number,
    }),
  ),
  portStatus: optional(wrappedList(port)),
});

export const task = record<model.Task, wire.Task>({
  ...metaFields,
  id: id(),
  serviceId: id(),
  revisionId: id(),
  slot: number,
  desiredState: word(TASK_STATES),
  status: needed(taskStatus),
  networks: list(record<model.TaskNetwork, wire.TaskNetwork>({ networkId: id(), addresses: list(text), aliases: list(text) })),
  hostPorts: list(port),
  nodeId: optional(id()),
  genericResources: optional(genericResources),
  startNotBeforeMs: optional(number),
  jobIteration: optional(number),
  stopNotAfterMs: optional(number),
  ranForMs: optional(number),
  attachment: optional(
    record<TaskAttachment, wire.Task_Attachment>({
      containerId: text,
      containerName: text,
      wantedAddresses: list(text),
    }),
  ),
});

export const nodeSpec = record<model.NodeSpec, wire.NodeSpec>({
  name: optional(text),
  labels,
  role: word(["worker", "manager"]),
  availability: word(["active", "pause", "drain"]),
});

export const certificateIssuer = record<model.CertificateIssuer, wire.CertificateIssuer>({ subject: text, publicKey: text });

export const nodeDescription = record<model.NodeDescription, wire.NodeDescription>({
  hostname: text,
  platform: needed(platform),
  resources: needed(
    record<model.NodeDescription["resources"], wire.NodeDescription_Resources>({
      nanoCpus: number,
      memoryBytes: number,
      generic: optional(genericResources),
    }),
  ),
  engine: needed(
    record<model.NodeDescription["engine"], wire.NodeDescription_Engine>({
      version: text,
      labels,
      plugins: list(record({ type: text, name: text })),
    }),
  ),
  tls: optional(record<model.NodeTls, wire.NodeDescription_Tls>({ trustRoot: text, issuer: needed(certificateIssuer) })),
  dataPathAddress: optional(text),
});

export const node = record<model.Node, wire.Node>({
  ...sequencedFields,
  id: id(),
  spec: needed(nodeSpec),
  description: optional(nodeDescription),
  role: word(["worker", "manager"]),
  status: needed(
    record<model.Node["status"], wire.Node_Status>({
      state: word(["unknown", "down", "ready", "disconnected"]),
      message: text,
      address: text,
    }),
  ),
  manager: optional(record<NonNullable<model.Node["manager"]>, wire.Node_Manager>({ raftId: number, address: text })),
  ingressNumber: optional(number),
  ingressAddress: optional(text),
});

export const networkSpec = record<model.NetworkSpec, wire.NetworkSpec>({
  name: text,
  labels,
  driver: text,
  driverOptions: labels,
  isInternal: flag,
  isAttachable: flag,
  isIngress: flag,
  isIpv6: flag,
  ipam: list(
    record<model.NetworkSpec["ipam"][number], wire.NetworkSpec_Ipam>({
      subnet: optional(text),
      gateway: optional(text),
      ipRange: optional(text),
      auxiliaryAddresses: optional(wrappedLabels),
    }),
  ),
  scope: word(["swarm"]),
});

export const network = record<model.Network, wire.Network>({
  ...metaFields,
  id: id(),
  spec: needed(networkSpec),
  vxlanId: optional(number),
  vxlanPort: optional(number),
  ipam: list(
    record<model.Network["ipam"][number], wire.Network_Ipam>({
      subnet: text,
      gateway: text,
      ipRange: optional(text),
      auxiliaryAddresses: optional(wrappedLabels),
    }),
  ),
});

export const templateDriver = word(["golang"]);

export const blobSpec = record<model.Secret["spec"], wire.BlobSpec>({
  name: text,
  labels,
  data: bytes,
  templateDriver: optional(templateDriver),
});

const blobFields = { spec: needed(blobSpec), reloadSignal: optional(text) };

export const secret = record<model.Secret, wire.Blob>({ ...metaFields, id: id(), ...blobFields });

export const config = record<model.Config, wire.Blob>({ ...metaFields, id: id(), ...blobFields });

export const clusterSpec = record<model.ClusterSpec, wire.ClusterSpec>({
  name: text,
  labels,
  taskHistoryLimit: number,
  heartbeatPeriodNs: number,
  nodeCertExpiryNs: number,
  autoLockManagers: flag,
  snapshotInterval: number,
  logEntriesForSlowFollowers: number,
  forceRotate: number,
  keepOldSnapshots: optional(number),
  externalCas: optional(wrappedList(record<model.ExternalCa, wire.ExternalCa>({ url: text, certificatePem: text }))),
});

export const cluster = record<model.Cluster, wire.Cluster>({
  ...sequencedFields,
  id: id(),
  spec: needed(clusterSpec),
  rootCa: needed(
    record<model.Cluster["rootCa"], wire.Cluster_RootCa>({
      certificatePem: text,
      keyPem: text,
      joinTokenWorker: text,
      joinTokenManager: text,
      issuer: optional(certificateIssuer),
      rotation: optional(
        record<model.RootRotation, wire.Cluster_RootCa_Rotation>({ certificatePem: text, keyPem: text, crossSignedPem: text }),
      ),
    }),
  ),
  defaultAddressPool: list(text),
  subnetSize: number,
  dataPathPort: number,
  unlockKey: optional(bytes),
  formatLevel: optional(number),
  epoch: optional(number),
});
