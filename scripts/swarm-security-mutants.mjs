// Protections of the swarm's ports, each with what takes it away and the test that must notice: see security-mutants.mjs.
const at = (file, find, put) => ({ file, find, put });
const folder = "test/unit/swarm-security";
const CONNECTIONS = `${folder}/connections.test.ts`;
const CERTIFICATES = `${folder}/certificates.test.ts`;
const SESSIONS = `${folder}/sessions.test.ts`;
const PEERS = `${folder}/peers.test.ts`;

const CONNECTION_MUTANTS = [
  {
    guards: "swarm: TLS 1.3 at least",
    edits: [
      at("rpc/channel.ts", 'key: keyPem, ca: rootPem, minVersion: "TLSv1.3"', 'key: keyPem, ca: rootPem, minVersion: "TLSv1.2"'),
    ],
    test: [CONNECTIONS, "TLS 1.2 is not spoken"],
  },
  {
    guards: "swarm: HTTP/2 alone",
    edits: [at("rpc/peer.ts", 'if (socket.alpnProtocol !== "h2") return', 'if (socket.alpnProtocol === "no") return')],
    test: [CONNECTIONS, "asks for"],
  },
  {
    guards: "swarm: certificates are verified",
    edits: [
      at("rpc/peer.ts", "socket.authorized ? peerInCertificate(certificate) : undefined", "peerInCertificate(certificate)"),
    ],
    test: [CONNECTIONS, "certificate"],
  },
  {
    guards: "swarm: certificates of this cluster",
    edits: [at("rpc/peer.ts", "peer?.clusterId !== clusterId", "peer === undefined")],
    test: [CONNECTIONS, "for another cluster"],
  },
  {
    guards: "swarm: nodes that are in the cluster",
    edits: [at("manager/ca/admission.ts", ': "superseded";', ': "member";')],
    test: [CONNECTIONS, "never had"],
  },
  {
    guards: "swarm: strangers reach the authority alone",
    edits: [at("rpc/listener.ts", "this.#strangers.injectConnection(socket);", "this.#members.injectConnection(socket);")],
    test: [CONNECTIONS, "reaches the certificate authority alone"],
  },
  {
    guards: "swarm: handshakes under way",
    edits: [
      at("rpc/handshakes.ts", "const PENDING_MAX = 512;", "const PENDING_MAX = 1e9;"),
      at("rpc/listener.ts", "const CONNECTIONS_MAX = 10_000;", "const CONNECTIONS_MAX = 600;"),
    ],
    test: [CONNECTIONS, "handshakes that never end"],
  },
  {
    guards: "swarm: strangers push out strangers",
    edits: [
      at(
        "rpc/listener.ts",
        "if (this.#unknown.size > STRANGERS_MAX) oldest?.destroy();",
        "if (this.#unknown.size > STRANGERS_MAX && oldest) return void socket.destroy();",
      ),
    ],
    test: [CONNECTIONS, "keep no newcomer out"],
  },
  {
    guards: "swarm: a connection that does not speak",
    edits: [at("rpc/limits.ts", '"grpc.keepalive_time_ms": 10_000', '"grpc.keepalive_time_ms": 500_000')],
    test: [CONNECTIONS, "half-open session"],
  },
  {
    guards: "swarm: the size of a stranger's request",
    edits: [at("rpc/limits.ts", "const STRANGER_BYTES_MAX = 64 * 1024;", "const STRANGER_BYTES_MAX = 64e6;")],
    test: [CONNECTIONS, "more than 64 KiB"],
  },
  {
    guards: "swarm: the size of a member's message",
    edits: [at("rpc/limits.ts", "export const MESSAGE_BYTES_MAX = 16 * 1024 * 1024;", "export const MESSAGE_BYTES_MAX = 64e6;")],
    test: [CONNECTIONS, "more than 16 MiB"],
  },
  {
    guards: "swarm: the root that a join token pins",
    edits: [at("rpc/join-client.ts", "!== rootDigest)", '=== "")')],
    test: [CONNECTIONS, "its root is not the one that the token pins"],
  },
];

const AUTHORITY_MUTANTS = [
  {
    guards: "swarm: join tokens",
    edits: [at("manager/ca/authority.ts", "if (isSameSecret(token, rootCa.joinTokenWorker))", 'if (token !== "")')],
    test: [CERTIFICATES, "join token"],
  },
  {
    guards: "swarm: the whole of a join token",
    edits: [
      at(
        "manager/ca/authority.ts",
        "[Buffer.from(given), Buffer.from(expected)]",
        "[Buffer.from(given.slice(60)), Buffer.from(expected.slice(60))]",
      ),
    ],
    test: [CERTIFICATES, "under another root's digest"],
  },
  {
    guards: "swarm: a token's role",
    edits: [
      at("manager/ca/authority.ts", 'rootCa.joinTokenWorker)) return "worker";', 'rootCa.joinTokenWorker)) return "manager";'),
    ],
    test: [CERTIFICATES, "a worker's token makes workers"],
  },
  {
    guards: "swarm: names come from the cluster, not from the request",
    edits: [
      at("system/certificates.ts", "subject: [\n", "subject: request.subject.includes('swarm-manager') ? request.subject : [\n"),
    ],
    test: [CERTIFICATES, "gets none of them"],
  },
  {
    guards: "swarm: a request's own signature",
    edits: [at("system/certificates.ts", "if (await request.verify()) return request;", "return request;")],
    test: [CERTIFICATES, "its own key did not sign"],
  },
  {
    guards: "swarm: whose certificate is renewed",
    edits: [at("rpc/services.ts", '!mayActForOthers || caller.role !== "manager"', "!mayActForOthers")],
    test: [CERTIFICATES, "a worker gets no certificate of another node"],
  },
  {
    guards: "swarm: renewals without a certificate",
    edits: [
      at(
        "rpc/handlers.ts",
        'if (peer === undefined) throw new OperationError("unauthorized", "a node\'s certificate is needed");',
        'if (peer === undefined) return { nodeId: "x", clusterId: "x", role: "worker" } as never;',
      ),
    ],
    test: [CERTIFICATES, "without a certificate and without a token"],
  },
  {
    guards: "swarm: a renewal's role is the cluster's to say",
    edits: [at("manager/ca/authority.ts", 'node.manager === undefined ? node.spec.role : "manager"', '"manager" as const')],
    test: [CERTIFICATES, "does not make itself a manager"],
  },
  {
    guards: "swarm: removed nodes get no certificate",
    edits: [
      at(
        "manager/ca/authority.ts",
        'if (!node) throw new OperationError("forbidden", "this node is not a member of the swarm");',
        'if (!node) return await this.#sign(call, { nodeId: call.nodeId ?? (undefined as never), role: "worker" });',
      ),
    ],
    test: [CERTIFICATES, "a node that was removed"],
  },
  {
    guards: "swarm: goodbyes for oneself",
    edits: [
      at(
        "rpc/services.ts",
        "await backend.leave({ nodeId: holder(peer, onBehalfOf) }, { signal });",
        'await backend.leave({ nodeId: onBehalfOf === "" ? holder(peer, onBehalfOf) : asId(onBehalfOf) }, { signal });',
      ),
    ],
    test: [CERTIFICATES, "does not say goodbye for another node"],
  },
  {
    guards: "swarm: a removed node's session ends",
    edits: [
      at(
        "manager/dispatcher/dispatcher.ts",
        "if (now === undefined) this.#sessions.closeNode(",
        "if (now === null) this.#sessions.closeNode(",
      ),
    ],
    test: [CERTIFICATES, "a node that was removed"],
  },
  {
    guards: "swarm: a demoted manager's certificate",
    edits: [at("manager/ca/admission.ts", '(role === "worker" || node.role === "manager")', "role !== undefined")],
    test: [CERTIFICATES, "a demoted manager's old certificate"],
  },
  {
    guards: "swarm: a demoted manager that keeps its certificate",
    edits: [at("manager/ca/membership.ts", 'manager && { ...rest, role: "worker" }', "manager && rest")],
    test: [CERTIFICATES, "asks for no other certificate"],
  },
  {
    guards: "swarm: what a newer certificate is good for",
    edits: [at("rpc/listener.ts", 'admission === "ahead" ? this.#ahead', 'admission === "superseded" ? this.#ahead')],
    test: [CERTIFICATES, "newer than what a manager knows"],
  },
  {
    guards: "swarm: open connections are looked at again",
    edits: [
      at(
        "rpc/listener.ts",
        // Not the other review, of those that could not be judged: no manager is founded without.
        "setInterval(() => this.#review(this.#sockets.keys()), options.reviewMs ?? REVIEW_MS).unref(),",
        "",
      ),
    ],
    test: [CERTIFICATES, "is cut within 5 s"],
  },
  {
    guards: "swarm: the root's key stays inside",
    edits: [at("manager/control-api/cluster.ts", 'rotation: { ...rotation, keyPem: "" }', "rotation")],
    test: [CERTIFICATES, "are in no answer"],
  },
];

const SESSION_MUTANTS = [
  {
    guards: "swarm: secrets go where they are needed",
    edits: [
      at(
        "manager/dispatcher/assignments.ts",
        "for (const id of needs.secrets) keys",
        'for (const { id } of view.all("secret")) keys',
      ),
      at("manager/dispatcher/assignments.ts", "needs.secrets.has(asId(id)) ? view", "needs.secrets.size >= 0 ? view"),
    ],
    test: [SESSIONS, "a secret goes to the node"],
  },
  {
    guards: "swarm: secrets are not shown",
    edits: [
      at(
        "manager/control-api/control-api.ts",
        '[withoutData(find(view, "secret", request.idOrName))]',
        '[find(view, "secret", request.idOrName)]',
      ),
    ],
    test: [SESSIONS, "holds a secret's data"],
  },
  {
    guards: "swarm: statuses of one's own tasks",
    edits: [at("manager/dispatcher/status-writer.ts", "task.nodeId !== nodeId || ", "")],
    test: [SESSIONS, "a status of another node's task"],
  },
  {
    guards: "swarm: statuses move forward",
    edits: [at("manager/dispatcher/status-writer.ts", " || !isNewer(status, task.status)) return [];", ") return [];")],
    test: [SESSIONS, "goes backwards"],
  },
  {
    guards: "swarm: a status's size",
    edits: [
      at("manager/dispatcher/report-limits.ts", "const STATUS_CHARACTERS_MAX = 8 * 1024;", "const STATUS_CHARACTERS_MAX = 8e6;"),
    ],
    test: [SESSIONS, "is cut to what others can bear"],
  },
  {
    guards: "swarm: a description's size",
    edits: [
      at(
        "manager/dispatcher/dispatcher.ts",
        "            checkDescription(message.description);\n",
        "            void checkDescription;\n",
      ),
    ],
    test: [SESSIONS, "a hello with megabytes"],
  },
  {
    guards: "swarm: one session a node",
    edits: [
      at(
        "manager/dispatcher/session-table.ts",
        'if (older !== undefined) this.#close(older, "the node has a newer session");',
        "void older;",
      ),
    ],
    test: [SESSIONS, "newer session ends the older"],
  },
  {
    guards: "swarm: manager's calls",
    edits: [at("rpc/handlers.ts", 'if (peer?.role !== "manager") throw', "if (peer === undefined) throw")],
    test: [SESSIONS, ""],
  },
  {
    guards: "swarm: the cluster's events stay on the host",
    edits: [
      at(
        "rpc/services.ts",
        'if (local === undefined) throw new OperationError("forbidden", "only the daemon of the same host may listen");',
        "if (local === undefined) return (async function* () {})();",
      ),
    ],
    test: [SESSIONS, "the cluster's events"],
  },
  {
    guards: "swarm: who speaks in Raft",
    edits: [
      at("raft/driver.ts", "if (!speaksFor(message.from)) throw", "if (!speaksFor(message.from) && message.from < 0) throw"),
    ],
    test: [SESSIONS, "in another member's name"],
  },
  {
    guards: "swarm: who speaks in Raft when nobody knows the sender",
    edits: [
      at("manager/ca/raft-senders.ts", "leaderId === undefined || leaderId === raftId", "leaderId !== raftId"),
      at("manager/ca/raft-senders.ts", "if (manager?.raftId === raftId) return false;", "void manager;"),
    ],
    test: [SESSIONS, "that nobody knows yet"],
  },
  {
    guards: "swarm: a removed manager in Raft",
    edits: [
      at(
        "manager/ca/admission.ts",
        'isLater(position, positionOf(view)) ? "ahead"',
        'isLater(position, { epoch: 0, index: 0 }) ? "ahead"',
      ),
    ],
    test: [SESSIONS, "heard no more"],
  },
];

const PEER_MUTANTS = [
  {
    guards: "swarm: logs for managers alone",
    edits: [at("rpc/peer-listener.ts", "        managerOnly(peer);\n", "        void [managerOnly, peer];\n")],
    test: [PEERS, "another tenant's task"],
  },
  {
    guards: "swarm: logs for managers that count",
    edits: [
      at("rpc/peer-listener.ts", 'judged.kind !== "member" || !this.#options.admits(judged.peer)', 'judged.kind !== "member"'),
    ],
    test: [PEERS, "a manager that was removed gets no logs"],
  },
  {
    guards: "swarm: logs that are followed",
    edits: [at("rpc/peer-listener.ts", "if (!this.#options.admits(peer)) socket.destroy();", "void [socket, peer];")],
    test: [PEERS, "is cut off"],
  },
  {
    guards: "swarm: certificates at a node's port",
    edits: [
      at("rpc/peer-listener.ts", "rejectUnauthorized: true,", "rejectUnauthorized: false,"),
      at("rpc/peer.ts", "socket.authorized ? peerInCertificate(certificate) : undefined", "peerInCertificate(certificate)"),
    ],
    test: [PEERS, "certificate"],
  },
  {
    guards: "swarm: the node that is meant",
    edits: [
      at("rpc/channel.ts", "peerInCertificate(certificate)?.nodeId === nodeId ? undefined :", 'nodeId !== "" ? undefined :'),
    ],
    test: [PEERS, "in another's place"],
  },
  {
    guards: "swarm: handshakes at a node's port",
    edits: [at("rpc/handshakes.ts", "const PENDING_MAX = 512;", "const PENDING_MAX = 1e9;")],
    test: [PEERS, "keep no manager out"],
  },
];

export const SWARM_MUTANTS = [...CONNECTION_MUTANTS, ...AUTHORITY_MUTANTS, ...SESSION_MUTANTS, ...PEER_MUTANTS];
