// Protections, each with what takes it away and the test that must notice. `edits`: in a file beneath src, this text (there once) becomes that.
import { SWARM_MUTANTS } from "./swarm-security-mutants.mjs";

const at = (file, find, put) => ({ file, find, put });
const ESCAPE = "test/integration/security/escape.test.ts";
const DEFAULTS = "test/integration/security/defaults.test.ts";
const COPY = "test/integration/security/copy.test.ts";
const MOUNT_PLACES = "test/unit/engine/runtime/mount-places.test.ts";
const SHARED_VOLUME = "test/integration/security/shared-volume.test.ts";
const NETWORK = "test/integration/security/network.test.ts";
const REQUESTS = "test/integration/security/api.test.ts";
const AUTHORIZATION = "test/api/authorization.test.ts";
const TLS = "test/api/tls.test.ts";
const HOSTILE = "test/integration/images/hostile.test.ts";
const OCI = "engine/runtime/oci";
const PROFILE = "engine/runtime/seccomp/default-profile.json";

/** What a container has by default. */
const DEFAULT_MUTANTS = [
  {
    guards: "capabilities: SYS_ADMIN is none of the default ones",
    edits: [at(`${OCI}/capabilities.ts`, "SYS_CHROOT KILL AUDIT_WRITE", "SYS_CHROOT KILL AUDIT_WRITE SYS_ADMIN")],
    test: [DEFAULTS, "is the same by default"],
  },
  {
    guards: "capabilities: nothing inheritable",
    edits: [at(`${OCI}/capabilities.ts`, "inheritable: [], ambient", "inheritable: names, ambient")],
    test: [ESCAPE, "has nothing inheritable or ambient"],
  },
  {
    guards: "capabilities: nothing ambient",
    edits: [at(`${OCI}/capabilities.ts`, "inheritable: [], ambient: []", "inheritable: names, ambient: names")],
    test: [ESCAPE, "has nothing inheritable or ambient"],
  },
  {
    guards: "capabilities: none in effect for a user other than root",
    edits: [at(`${OCI}/capabilities.ts`, "uid === 0 ? names : []", "names")],
    test: ["test/unit/engine/runtime/capabilities.test.ts", ""],
  },
  {
    guards: "masked paths: /proc/kcore",
    edits: [at(`${OCI}/masked-paths.ts`, '  "/proc/kcore",\n', "")],
    test: [DEFAULTS, "tells the runtime to hide the same by default"],
  },
  {
    guards: "masked paths: /sys/firmware",
    edits: [at(`${OCI}/masked-paths.ts`, '  "/sys/firmware",\n', "")],
    test: [DEFAULTS, "is the same by default"],
  },
  {
    guards: "masked paths: /proc/keys",
    edits: [at(`${OCI}/masked-paths.ts`, '  "/proc/keys",\n', "")],
    test: [DEFAULTS, "is the same by default"],
  },
  {
    guards: "masked paths: how hot each processor ran",
    edits: [at("engine/containers/settle-host-config.ts", "[...MASKED_PATHS, ...throttlePaths]", "MASKED_PATHS")],
    test: ["test/unit/engine/containers/settle.test.ts", "masks what this machine's processors tell"],
  },
  {
    guards: "read-only paths: /proc/sys",
    edits: [at(`${OCI}/masked-paths.ts`, '"/proc/sys", ', "")],
    test: [ESCAPE, "mounts no cgroup and writes no release_agent"],
  },
  {
    guards: "read-only paths: /proc/sysrq-trigger",
    edits: [at(`${OCI}/masked-paths.ts`, ', "/proc/sysrq-trigger"]', "]")],
    test: [DEFAULTS, "tells the runtime to hide the same by default"],
  },
  {
    guards: "/sys is read-only",
    edits: [at(`${OCI}/mounts.ts`, 'privileged ? "rw" : "ro";\n  const cgroup', '"rw";\n  const cgroup')],
    test: [DEFAULTS, "is the same by default"],
  },
  {
    guards: "cgroups are read-only",
    edits: [at(`${OCI}/mounts.ts`, 'privileged || hasWritableCgroups ? "rw" : "ro"', '"rw"')],
    test: [ESCAPE, "mounts no cgroup and writes no release_agent"],
  },
  {
    guards: "/proc is mounted nosuid, noexec, nodev",
    edits: [
      at(`${OCI}/mounts.ts`, 'source: "proc", options: ["nosuid", "noexec", "nodev"]', 'source: "proc", options: ["nosuid"]'),
    ],
    test: [DEFAULTS, "is the same by default"],
  },
  {
    guards: "/dev/shm is mounted nosuid, noexec, nodev",
    edits: [at(`${OCI}/mounts.ts`, 'options: ["nosuid", "noexec", "nodev", "mode=1777"', 'options: ["mode=1777"')],
    test: [DEFAULTS, "is the same by default"],
  },
  {
    guards: "/dev/shm is of 64 MiB",
    edits: [
      at(
        "engine/containers/settle-host-config.ts",
        "hostConfig.shmSizeBytes || defaults",
        "hostConfig.shmSizeBytes || 2 * defaults",
      ),
    ],
    test: [DEFAULTS, "is the same by default"],
  },
  {
    guards: "/dev is of 64 MiB",
    edits: [at(`${OCI}/mounts.ts`, '"mode=755", "size=65536k"', '"mode=755"')],
    test: [DEFAULTS, "is the same by default"],
  },
  {
    guards: "devices: no other than the default ones",
    edits: [at(`${OCI}/devices.ts`, '  { allow: false, access: "rwm" },\n', '  { allow: true, access: "rwm" },\n')],
    test: [ESCAPE, "opens no device but those"],
  },
  {
    guards: "devices: fuse is denied",
    edits: [
      at(
        `${OCI}/devices.ts`,
        '{ allow: false, type: "c", major: 10, minor: 229, access: "rwm" }',
        '{ allow: true, type: "c", major: 10, minor: 229, access: "rwm" }',
      ),
    ],
    test: [DEFAULTS, "is the same by default"],
  },
  {
    guards: "namespaces: IPC of its own",
    edits: [at(`${OCI}/namespaces.ts`, '    ...sharedNamespace("ipc", { mode: hostConfig.ipcMode, pid: joined.ipc }),\n', "")],
    test: [ESCAPE, "is alone in its namespaces"],
  },
  {
    guards: "namespaces: processes of its own",
    edits: [at(`${OCI}/namespaces.ts`, '    ...sharedNamespace("pid", { mode: hostConfig.pidMode, pid: joined.pid }),\n', "")],
    test: [ESCAPE, "is alone in its namespaces"],
  },
  {
    guards: "namespaces: a hostname of its own",
    edits: [
      at(`${OCI}/namespaces.ts`, '    ...(hostConfig.utsMode === "host" ? [] : [{ type: "uts" } as const]),\n', ""),
      at(`${OCI}/spec.ts`, "...(isHostUts ? {} : { hostname: config.hostname }),", ""),
    ],
    test: [ESCAPE, "is alone in its namespaces"],
  },
  {
    guards: "seccomp: what is not listed is refused",
    edits: [at(PROFILE, '"defaultAction": "SCMP_ACT_ERRNO"', '"defaultAction": "SCMP_ACT_ALLOW"')],
    test: [DEFAULTS, "answers system calls the same by default"],
  },
  {
    guards: "seccomp: mount, unshare and the like want SYS_ADMIN",
    edits: [at(`${OCI}/seccomp.ts`, "if (includes?.caps?.some(capability => !has(capability))) return false;", "")],
    test: [DEFAULTS, "answers system calls the same by default"],
  },
  {
    guards: "seccomp: clone3 is not there",
    edits: [at(PROFILE, '"action": "SCMP_ACT_ERRNO",\n\t\t\t"errnoRet": 38', '"action": "SCMP_ACT_ALLOW"')],
    test: [DEFAULTS, "answers system calls the same by default"],
  },
  {
    guards: "seccomp: no crypto sockets",
    edits: [at(PROFILE, '"value": 38,\n\t\t\t\t\t"op": "SCMP_CMP_LT"', '"value": 39,\n\t\t\t\t\t"op": "SCMP_CMP_LT"')],
    test: [DEFAULTS, "opens no crypto socket"],
  },
  {
    guards: "no-new-privileges, of a container",
    edits: [at(`${OCI}/spec.ts`, "noNewPrivileges: security.noNewPrivileges", "noNewPrivileges: false")],
    test: [ESCAPE, "gains nothing by a set-uid program"],
  },
  {
    guards: "no-new-privileges, of an exec",
    edits: [
      at(
        "engine/containers/oci-runtime-specs.ts",
        "noNewPrivileges: parseSecurityOptions(hostConfig.securityOpt, facts).noNewPrivileges",
        "noNewPrivileges: false",
      ),
    ],
    test: [ESCAPE, "gains nothing by a set-uid program"],
  },
];

/** Attacks that are known from Docker and its like. */
const ATTACK_MUTANTS = [
  {
    guards: "cp: links lead nowhere outside (CVE-2018-15664, 2026-41568, 2026-42306)",
    edits: [
      at("system/archive/confined-root.ts", "isBeneath ? RESOLVE_BENEATH : RESOLVE_IN_ROOT", "isBeneath ? RESOLVE_BENEATH : 0"),
    ],
    test: [COPY, "stays inside while folders turn into links"],
  },
  {
    guards: "cp: a volume's place is made inside (CVE-2026-41568)",
    edits: [
      at("system/archive/confined-root.ts", "isBeneath ? RESOLVE_BENEATH : RESOLVE_IN_ROOT", "isBeneath ? RESOLVE_BENEATH : 0"),
    ],
    test: [COPY, "makes no place outside for a volume whose place is a link"],
  },
  {
    guards: "cp: names that climb are refused (CVE-2014-9356)",
    edits: [
      at(
        "lib/tar/path.ts",
        'if (part !== "..") kept.push(part);\n    else if (kept.pop() === undefined) {',
        "kept.push(part);\n    if (kept.length < 0) {",
      ),
      at("system/archive/confined-root.ts", "isBeneath ? RESOLVE_BENEATH : RESOLVE_IN_ROOT", "isBeneath ? RESOLVE_BENEATH : 0"),
    ],
    test: [COPY, "takes a name that climbs"],
  },
  {
    guards: "cp: no program of the container's unpacks (CVE-2019-14271, 2026-41567)",
    edits: [
      at(
        "system/archive/write-path.ts",
        "import { closeSync,",
        'import { spawnSync } from "node:child_process";\nimport { closeSync,',
      ),
      at(
        "system/archive/write-path.ts",
        "  const base = followedPath(",
        '  spawnSync("chroot", [`/proc/${process.pid}/fd/${root.fd}`, "/bin/xz", "-dc"]);\n  const base = followedPath(',
      ),
    ],
    test: [COPY, "loads and runs nothing"],
  },
  {
    guards: "cp: a folder that is there keeps its mode (CVE-2021-41089)",
    edits: [
      at(
        "system/archive/container-writer.ts",
        'if (entry.type === "directory") return; // The folder',
        "if (false) return; // The folder",
      ),
      at(
        "system/archive/write-path.ts",
        "    parser.finish();",
        "    fchmodSync(root.open(base, { flags: O_RDONLY }), 0o755);\n    parser.finish();",
      ),
      at("system/archive/write-path.ts", "import { closeSync,", "import { fchmodSync, closeSync,"),
    ],
    test: [COPY, "leaves owner and mode of a host's folder"],
  },
  {
    guards: "subpaths: the place that was looked at is the one that is mounted (CVE-2021-30465)",
    edits: [at("engine/containers/subpaths.ts", "source: place.path }", "source: `${plan.source}/${plan.subpath}` }")],
    test: [SHARED_VOLUME, "by the time it is mounted"],
  },
  {
    guards: "volumes: what an image has at their place stays inside, whoever writes there meanwhile",
    edits: [
      at(
        "daemon/engine.ts",
        "fillFolder: (folder, from) => archives.fillFolder(folder, from),",
        'fillFolder: async (folder, { tree, path }) => void (await exec.run("sh", ["-c", \'[ ! -d "$0" ] || cp -a -- "$0/." "$1"\', `${tree}${path}`, folder])),',
      ),
    ],
    test: [SHARED_VOLUME, "leads none of the image's files out"],
  },
  {
    guards: "mounts: one that was led elsewhere is not started (CVE-2019-19921, 2025-31133, 2025-52565, 2025-52881)",
    edits: [at("engine/containers/make-run.ts", "if (wrong !== undefined) throw", 'if (wrong === "") throw')],
    test: [SHARED_VOLUME, "with crun is not started when the other's place is a link to /proc/self/attr"],
  },
  {
    guards: "mounts: as many as there should be",
    edits: [at(`${OCI}/mount-places.ts`, "    if (count === 0) return refusal(point);\n", "")],
    test: [SHARED_VOLUME, "with crun is not started when the other's place is a link to /dev/pts"],
  },
  {
    guards: "mounts: nothing is hidden by a setting of the host's (CVE-2025-31133)",
    edits: [at(`${OCI}/mount-places.ts`, "return !KERNEL_TYPES.includes(type);", "return true;")],
    test: [MOUNT_PLACES, "hidden by a setting of the host's"],
  },
  {
    guards: "mounts: a terminal is no setting of the host's (CVE-2025-52565)",
    edits: [at(`${OCI}/mount-places.ts`, " || point === CONSOLE)", ")")],
    test: [MOUNT_PLACES, "a terminal that is a setting"],
  },
  {
    guards: "mounts: what is to be read-only is",
    edits: [at(`${OCI}/mount-places.ts`, "return isReadOnly && root ===", "return root ===")],
    test: [MOUNT_PLACES, "one that is not read-only after all"],
  },
  {
    guards: "runtimes: a weak one is named to its users (CVE-2025-31133, 2025-52565, 2025-52881)",
    edits: [at("daemon/runtime-catalog.ts", "return weakness === undefined ? [] :", "return weakness !== undefined ? [] :")],
    test: ["test/unit/daemon/runtime-catalog.test.ts", "is in `info`"],
  },
  {
    guards: "links for /dev, /etc: nothing is made outside (CVE-2026-41579)",
    edits: [
      at(
        "engine/containers/prepare-mounts.ts",
        "const target = await resolveInRoot(rootfsPath, path);",
        "const target = join(rootfsPath, path);",
      ),
    ],
    test: [ESCAPE, "makes nothing outside with an image"],
  },
  {
    guards: "users: a number is an id, whatever is called so (CVE-2016-3697, 2026-46680)",
    edits: [at(`${OCI}/user.ts`, "if (!NUMERIC.test(wanted)) {", "if (users.some(({ name }) => name === wanted)) {")],
    test: [ESCAPE, 'is "1000" as its files say'],
  },
  {
    guards: "users: their other groups (CVE-2022-36109)",
    edits: [at(`${OCI}/user.ts`, "new Set([gid, ...own, ...added])", "new Set([gid, ...added])")],
    test: [ESCAPE, 'is "alice" as its files say'],
  },
  {
    guards: "users: their main group is among the supplementary ones (CVE-2022-36109)",
    edits: [at(`${OCI}/user.ts`, "new Set([gid, ...own, ...added])", "new Set([...own, ...added])")],
    test: [ESCAPE, 'is "alice" as its files say'],
  },
  {
    guards: "users: a gigabyte of them is not read (CVE-2026-47262)",
    edits: [
      at("system/confined-file.ts", "Math.min(size, bytesMax) + 1", "size + 1"),
      at("system/confined-file.ts", "if (bytesRead > bytesMax || size > bytesMax)", "if (bytesRead > 2 ** 40)"),
    ],
    test: [ESCAPE, "costs the daemon little with a gigabyte of"],
  },
  {
    guards: "users: a pipe is not waited for",
    edits: [
      at("system/confined-file.ts", "if (!stats.isFile()) return undefined;", ""),
      at("system/confined-file.ts", "constants.O_RDONLY | constants.O_NONBLOCK", "constants.O_RDONLY"),
    ],
    test: [ESCAPE, "holds nobody else up with a pipe"],
  },
  {
    guards: "open files: none is handed to a container (CVE-2024-21626)",
    edits: [
      at("system/spawn.ts", 'check("addclosefrom", actionsCloseFrom(actions, stdio.length));', ""),
      at("system/spawn.ts", "pipe2(fds, O_CLOEXEC);", "pipe2(fds, 0);"),
    ],
    test: ["test/unit/system/spawn.test.ts", "leaves a program none of this process's files"],
  },
  {
    guards: "the data root: for root alone (CVE-2021-41091)",
    edits: [at("daemon/remap/data-root.ts", "const MODE = 0o710", "const MODE = 0o755")],
    test: [ESCAPE, "shows a user of the host nothing below the data root"],
  },
  {
    guards: "the socket: for root and its group alone",
    edits: [at("daemon/listen-targets.ts", "SOCKET_MODE = 0o660", "SOCKET_MODE = 0o666")],
    test: [ESCAPE, "finds no abstract socket of ours"],
  },
  {
    guards: "sockets: none is abstract (CVE-2020-15257)",
    edits: [
      at(
        "api/server.ts",
        "await rm(target.path, { force: true });",
        'await rm(target.path, { force: true });\n    await listenOn(this.#createServer(target), { path: "\\0shoal-planted" });',
      ),
    ],
    test: [ESCAPE, "finds no abstract socket of ours"],
  },
  {
    guards: "names: no path in one",
    edits: [
      at("engine/containers/names.ts", "/^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/", "/^[^]+$/"),
      at("api/validation/names.ts", "/^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/", "/^[^]+$/"),
    ],
    test: [ESCAPE, "gets what an image says as words"],
  },
  {
    guards: "volume names: no path in one",
    edits: [
      at("engine/volumes/volume-name.ts", "/^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/", "/^[^]+$/"),
      at("api/validation/mounts.ts", "/^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/", "/^[^]+$/"),
    ],
    test: [ESCAPE, "gets what an image says as words"],
  },
  {
    guards: "image archives: layers stay inside (CVE-2014-6407)",
    edits: [at("lib/tar/path.ts", "else if (kept.pop() === undefined) {", "else if (false) {")],
    test: [HOSTILE, "a layer that climbs out"],
  },
  {
    guards: "image archives: links of a layer lead nowhere outside (CVE-2014-9357)",
    edits: [at("system/archive-helper.ts", '  process.chdir(target);\n  chroot(".");', "  process.chdir(target);")],
    test: [HOSTILE, "keeps what is written through links inside of the layer"],
  },
  {
    guards: "image archives: what is no manifest is refused (CVE-2021-21285)",
    edits: [at("engine/images/archive-manifest.ts", 'configPath === undefined || configPath === ""', "false")],
    test: [HOSTILE, "a manifest without config"],
  },
  {
    guards: "image archives: a layer is what its digest says",
    edits: [at("engine/images/load.ts", "if (found !== expected)", "if (false)")],
    test: [HOSTILE, "another diff id"],
  },
  {
    guards: "image archives: bounded number of files (CVE-2017-14992)",
    edits: [at("system/archive/tree-writer.ts", "if (this.#entries > entriesMax)", "if (false)")],
    test: [HOSTILE, "a layer of too many files"],
  },
  {
    guards: "image archives: bounded bytes (CVE-2017-14992)",
    edits: [at("system/archive/tree-writer.ts", "if (this.#sizeBytes > bytesMax)", "if (false)")],
    test: [HOSTILE, "a sparse bomb"],
  },
  {
    guards: "image archives: what did not become an image is taken away",
    edits: [at("engine/images/staging.ts", "    await this.#archives.remove([this.#path]);\n", "")],
    test: [REQUESTS, "keeps nothing of an image"],
  },
  {
    guards: "requests: a length and chunks are not both taken (smuggling)",
    edits: [at("api/server.ts", "return createServer(limits);", "return createServer({ ...limits, insecureHTTPParser: true });")],
    test: [REQUESTS, "refuses a length and chunks"],
  },
  {
    guards: "requests: an unknown coding is refused (smuggling)",
    edits: [at("api/server.ts", 'coding === undefined || coding.toLowerCase() === "chunked"', "coding !== null")],
    test: [REQUESTS, "refuses an unknown coding"],
  },
  {
    guards: "requests: what follows an upgrade is input",
    edits: [at("api/http/take-socket.ts", '["data", "end", "error", "drain", "timeout", "close", "readable"]', '["timeout"]')],
    test: [REQUESTS, "takes what follows an upgrade for input"],
  },
  {
    guards: "requests: a processor set's numbers are bounded (CVE-2018-20699)",
    edits: [
      at(`${OCI}/cpuset-list.ts`, "Number(last) > NUMBER_MAX", "Number(last) < 0"),
      at(`${OCI}/check-resources.ts`, "highest !== undefined && highest >= cpuCount", "false"),
      at(`${OCI}/check-resources.ts`, "highestNode !== undefined && highestNode >= memoryNodeCount", "false"),
    ],
    test: [REQUESTS, "refuses a cpuset of 2^31"],
  },
  {
    guards: "authorization plugins: see a body of any length as it is carried out (CVE-2024-41110, 2026-34040)",
    edits: [
      at(
        "api/authorizer.ts",
        "if (size > JSON_BYTES_MAX) {",
        "if (size > 1024 * 1024) return Buffer.concat(chunks);\n    if (size > JSON_BYTES_MAX) {",
      ),
    ],
    test: [AUTHORIZATION, ""],
  },
  {
    guards: "authorization plugins: see a body without a length (CVE-2024-41110)",
    edits: [
      at(
        "api/authorizer.ts",
        "const bytes = hasShownBody ?",
        "const bytes = hasShownBody && body.length !== undefined && body.length > 0 ?",
      ),
    ],
    test: [AUTHORIZATION, ""],
  },
  {
    guards: "authorization plugins: one that cannot be asked denies",
    edits: [
      at(
        "daemon/authorization/authorization-plugins.ts",
        'throw new OperationError("internal", `plugin ${plugin.name} failed with error: ${errorMessage(cause)}`, { cause });\n    }\n    if',
        "void cause;\n      continue;\n    }\n    if",
      ),
    ],
    test: [AUTHORIZATION, ""],
  },
  {
    guards: "TCP: not without TLS, unless asked for twice",
    edits: [
      at(
        "daemon/listen-targets.ts",
        "if (tls.isRefused) return undefined;",
        "if (tls.isRefused || !tls.isEnabled) return undefined;",
      ),
    ],
    test: [REQUESTS, "is not served on TCP"],
  },
  {
    guards: "TLS: a client shows a certificate of the authority",
    edits: [at("api/server.ts", "rejectUnauthorized: true", "rejectUnauthorized: false")],
    test: [TLS, "refuses a client"],
  },
  {
    guards: "TLS: no old protocol",
    edits: [at("api/server.ts", 'minVersion: "TLSv1.2"', 'minVersion: "TLSv1", ciphers: "DEFAULT@SECLEVEL=0"')],
    test: [TLS, "an old protocol"],
  },
  {
    guards: "networks: a host's loopback addresses are not its neighbours'",
    edits: [at("engine/networks/firewall-rules.ts", '"-d 127.0.0.0/8 ! -i lo -j DROP"', '"-d 127.0.0.0/8 ! -i lo -j RETURN"')],
    test: [NETWORK, "answers no neighbour on a loopback address"],
  },
  {
    guards: "networks: no route to containers from outside (CVE-2025-54388, 2025-54410)",
    edits: [
      at(
        "engine/networks/firewall-rules.ts",
        "-d ${subnet} ! -i ${bridge} -j DROP`);",
        "-d ${subnet} ! -i ${bridge} -j RETURN`);",
      ),
      at("engine/networks/firewall-rules.ts", "`! -i ${bridge} -o ${bridge} -j DROP`", "`! -i ${bridge} -o ${bridge} -j ACCEPT`"),
    ],
    test: [NETWORK, "lets a neighbour in by published ports alone"],
  },
  {
    guards: "networks: apart from each other",
    edits: [
      at(
        "engine/networks/firewall-rules.ts",
        '"DOCKER-ISOLATION-STAGE-2", `-o ${bridge} -j DROP`',
        '"DOCKER-ISOLATION-STAGE-2", `-o ${bridge} -j RETURN`',
      ),
      at(
        "engine/networks/firewall-rules.ts",
        "-d ${subnet} ! -i ${bridge} -j DROP`);",
        "-d ${subnet} ! -i ${bridge} -j RETURN`);",
      ),
      at("engine/networks/firewall-rules.ts", "`! -i ${bridge} -o ${bridge} -j DROP`", "`! -i ${bridge} -o ${bridge} -j ACCEPT`"),
    ],
    test: [NETWORK, "keeps networks apart"],
  },
  {
    guards: "networks: an internal one has no way out, for names neither (CVE-2024-29018)",
    edits: [at("engine/networks/container-sandboxes.ts", "ipv4 === undefined && ipv6 === undefined ? [] : live", "live")],
    test: [NETWORK, "lets nothing of an internal network out"],
  },
  {
    guards: "networks: a container is no router of the host's (CVE-2020-13401)",
    edits: [at("engine/networks/bridge-devices.ts", 'accept_ra`, "0"', 'accept_ra`, "2"')],
    test: [NETWORK, "has no IPv6 on networks without"],
  },
  {
    guards: "networks: their rules are made again at a start (CVE-2025-54388)",
    edits: [
      at(
        "engine/networks/network-registry.ts",
        "rules: [...bridges.flatMap(bridgeRules), ...rules],",
        "rules: isRouter ? rules : [...bridges.flatMap(bridgeRules), ...rules],",
      ),
    ],
    test: [NETWORK, "opens nothing when somebody flushes"],
  },
  {
    guards: "builds: an image that nobody named is no cache (CVE-2024-24557)",
    edits: [
      at(
        "engine/build/step-cache.ts",
        "cacheFrom.length === 0 ? undefined : cacheFrom.flatMap",
        '(cacheFrom.length === 0 ? ["made:source"] : cacheFrom).flatMap',
      ),
    ],
    test: ["test/integration/build/build.test.ts", "is what images that were loaded say"],
  },
  {
    guards: "builds: a context is not fetched by a program (CVE-2019-13139)",
    edits: [
      at(
        "api/routes/build.ts",
        '  checkRemote(textOf(request, "remote"));',
        '  if (!textOf(request, "remote").includes("://")) checkRemote(textOf(request, "remote"));',
      ),
    ],
    test: ["test/integration/build/build.test.ts", "is no repository"],
  },
  {
    guards: "logins: for their own registry alone (CVE-2021-41092)",
    edits: [at("cli/commands/credentials.ts", "readConfig().auths?.[server];", "Object.values(readConfig().auths ?? {})[0];")],
    test: ["test/unit/cli/credentials.test.ts", "go to no other"],
  },
  {
    guards: "networks: no IPv6 on one without (CVE-2024-32473)",
    edits: [at("system/namespaces/make-namespace.ts", 'writeFileSync(NO_IPV6, "1"', 'writeFileSync(NO_IPV6, "0"')],
    test: [NETWORK, "has no IPv6 on networks without"],
  },
];

export const SECURITY_MUTANTS = [...DEFAULT_MUTANTS, ...ATTACK_MUTANTS, ...SWARM_MUTANTS];
