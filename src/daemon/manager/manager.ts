import { isDeepStrictEqual } from "node:util";
import { Disposal } from "../../lib/disposal.ts";
import { OperationError } from "../../lib/errors.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Disk } from "../../ports/disk.ts";
import type { Log } from "../../ports/log.ts";
import type { Random } from "../../ports/random.ts";
import { ControlSocket } from "../../rpc/control-socket.ts";
import { ManagerListener } from "../../rpc/listener.ts";
import { ManagerClients } from "../../rpc/manager-clients.ts";
import { reachesNode } from "../../rpc/peer-client.ts";
import { RaftPeers } from "../../rpc/raft-transport.ts";
import { systemCertificates } from "../../system/certificates.ts";
import { DataCipher } from "../../system/data-cipher.ts";
import { CfsslSigner } from "../../system/external-signer.ts";
import type { NodeFiles } from "../swarm/node-files.ts";
import type { KeyReport } from "../swarm/node-keys.ts";
import { createControlPlane } from "./control-plane.ts";
import type { ManagerOptions } from "./options.ts";
import type { ManagerKeys } from "./pipe.ts";

/** How soon a lost connection to another manager is made again. */
const RECONNECT_MS = 1_000;

export interface Manager extends AsyncDisposable {
  /** Leadership is handed over, when this manager has it and there is someone to take it. */
  handOver(): Promise<void>;
  /** The certificate was renewed, or there is another data key: in force at once. */
  setKeys(keys: ManagerKeys): void;
  dump(): unknown;
}

interface ManagerSetup {
  readonly options: ManagerOptions;
  readonly keys: ManagerKeys;
  /** Tells `shoald` what it has to know to keep the keys. */
  readonly report: (report: KeyReport) => void;
  readonly files: NodeFiles;
  readonly disk: Disk;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** A manager's control plane, and what serves it: the manager port and the host's own socket. */
export async function startManager(setup: ManagerSetup): Promise<Manager> {
  const { options, keys, report, files, disk, clock, random, log } = setup;
  let { identity } = keys;
  const currentIdentity = () => identity;
  const cipher = new DataCipher(keys.dataKeys, random);
  const resources = new Disposal();
  const over = new AbortController();
  const { signal } = over;

  const transport = resources.use(new RaftPeers({ identity: currentIdentity, clock }));
  const remote = resources.use(new ManagerClients({ identity: currentIdentity, clock }));
  const { raftDirectory } = files;
  const plane = await createControlPlane({
    ...{ options, raftDirectory, disk, cipher, report, clock, random, log, transport, remote },
    reaches: (node, { signal }) => reachesNode(node, { identity, signal }),
    files: {
      loadInitialEntry: () => files.loadInitialEntry(cipher),
      removeInitialEntry: () => files.removeInitialEntry(),
      isForceNewClusterMarked: () => files.isForceNewClusterMarked(),
      unmarkForceNewCluster: () => files.unmarkForceNewCluster(),
    },
    certificates: systemCertificates,
    external: new CfsslSigner({ identity: currentIdentity, clock }),
  });
  const { store, consensus, backends, local } = plane;
  resources.defer(() => consensus.stop());
  const { clusterId, socketPath } = options;
  const listener = resources.use(
    await ManagerListener.listen({ ...listenTarget(options.listenAddress), identity, clusterId, log, backends }),
  );
  resources.use(await ControlSocket.listen({ path: socketPath, backend: backends.control, local }));

  const stayConnected = async (): Promise<void> => {
    for (; !signal.aborted; await clock.sleep(RECONNECT_MS, { signal }).catch(() => undefined)) {
      const others = consensus.status().members.filter(({ raftId }) => raftId !== options.raftId);
      for (const connections of [transport, remote]) connections.keep(others.map(({ address }) => address));
    }
  };
  void stayConnected();
  plane.run({ signal }).catch((error: unknown) => {
    if (!signal.aborted) throw error; // Nothing else would ever start it again: the process ends, and the next one takes over.
  });

  return {
    handOver: () => plane.handOver(),
    setKeys: next => {
      cipher.use(next.dataKeys);
      consensus.rekeyed();
      if (isDeepStrictEqual(next.identity, identity)) return;
      identity = next.identity;
      listener.setIdentity(identity);
    },
    dump: () => ({ consensus: consensus.status(), index: store.view().index }),
    [Symbol.asyncDispose]: async () => {
      over.abort(new OperationError("cancelled", "the manager is stopping"));
      await resources[Symbol.asyncDispose]();
    },
  };
}

function listenTarget(address: string): { readonly host: string; readonly port: number } {
  const at = address.lastIndexOf(":");
  return { host: address.slice(0, at).replace(/^\[|\]$/g, ""), port: Number(address.slice(at + 1)) };
}
