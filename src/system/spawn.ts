import type { Socket } from "node:net";
import type { ChildProcess, SpawnRequest, Spawner } from "../ports/process.ts";
import { Gate } from "../lib/gate.ts";
import { streamOverFd } from "./fd-stream.ts";
import { closeFd, declareChecked, declareUnchecked, SystemCallError } from "./libc.ts";
import { exitOf, isOwnChild } from "./reaper.ts";
import { goFirst } from "./scheduling.ts";

// Each returns an errno, not -1.
const actionsInit = declareUnchecked<[actions: Buffer]>("int posix_spawn_file_actions_init(void *actions)");
const actionsDup2 = declareUnchecked<[actions: Buffer, from: number, to: number]>(
  "int posix_spawn_file_actions_adddup2(void *actions, int from, int to)",
);
const actionsOpen = declareUnchecked<[actions: Buffer, fd: number, path: string, flags: number, mode: number]>(
  "int posix_spawn_file_actions_addopen(void *actions, int fd, const char *path, int flags, uint mode)",
);
const actionsChdir = declareUnchecked<[actions: Buffer, path: string]>(
  "int posix_spawn_file_actions_addchdir_np(void *actions, const char *path)",
);
const actionsCloseFrom = declareUnchecked<[actions: Buffer, from: number]>(
  "int posix_spawn_file_actions_addclosefrom_np(void *actions, int from)",
);
const actionsDestroy = declareUnchecked<[actions: Buffer]>("int posix_spawn_file_actions_destroy(void *actions)");
const attributesInit = declareUnchecked<[attributes: Buffer]>("int posix_spawnattr_init(void *attributes)");
const attributesSetFlags = declareUnchecked<[attributes: Buffer, flags: number]>(
  "int posix_spawnattr_setflags(void *attributes, short flags)",
);
const attributesSetSigDefault = declareUnchecked<[attributes: Buffer, set: Buffer]>(
  "int posix_spawnattr_setsigdefault(void *attributes, const void *set)",
);
const attributesSetSigMask = declareUnchecked<[attributes: Buffer, set: Buffer]>(
  "int posix_spawnattr_setsigmask(void *attributes, const void *set)",
);
const posixSpawnp = declareUnchecked<
  [
    pid: Buffer,
    file: string,
    actions: Buffer,
    attributes: Buffer,
    argv: readonly (string | null)[],
    env: readonly (string | null)[],
  ]
>(
  "int posix_spawnp(void *pid, const char *file, const void *actions, const void *attributes, const char **argv, const char **env)",
);
const pipe2 = declareChecked<[fds: Int32Array, flags: number]>("pipe2", "int pipe2(_Out_ int *fds, int flags)");
const duplicate = declareChecked<[fd: number, command: number, minimum: number]>(
  "fcntl",
  "int fcntl(int fd, int command, int minimum)",
);

const fchmod = declareChecked<[fd: number, mode: number]>("fchmod", "int fchmod(int fd, uint mode)");
const OPEN_MODE = 0o666;
/** stdin, stdout, stderr. */
const STREAMS = 3;

const O_RDWR = 2;
const O_CLOEXEC = 0o2000000;
const F_DUPFD_CLOEXEC = 1030;
const SET_SIGNAL_DEFAULTS = 0x04;
const SET_SIGNAL_MASK = 0x08;
const SET_SESSION = 0x80;

/** glibc's posix_spawn_file_actions_t is 80 bytes, posix_spawnattr_t 336, sigset_t 128; on every architecture it has. */
const ACTIONS_BYTES = 80;
const ATTRIBUTES_BYTES = 336;
const SIGNAL_SET_BYTES = 128;
const PID_BYTES = 4;

const DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

function check(call: string, errno: number): void {
  if (errno !== 0) throw new SystemCallError(call, errno);
}

/** Both ends close on exec. */
export function createPipe(): { readonly readFd: number; readonly writeFd: number } {
  const fds = new Int32Array(2);
  pipe2(fds, O_CLOEXEC);
  return { readFd: fds[0] ?? -1, writeFd: fds[1] ?? -1 };
}

/** Signals that Node ignores or blocks would stay so in the child (SIGPIPE is one): all go back to their defaults, none is blocked. */
function attributesFor(isSessionLeader: boolean): Buffer {
  const attributes = Buffer.alloc(ATTRIBUTES_BYTES);
  check("posix_spawnattr_init", attributesInit(attributes));
  attributesSetSigDefault(attributes, Buffer.alloc(SIGNAL_SET_BYTES, 0xff));
  attributesSetSigMask(attributes, Buffer.alloc(SIGNAL_SET_BYTES));
  attributesSetFlags(attributes, SET_SIGNAL_DEFAULTS | SET_SIGNAL_MASK | (isSessionLeader ? SET_SESSION : 0));
  return attributes;
}

interface Wiring {
  readonly pipes: (Socket | undefined)[];
  /** What the child gets at each of its file numbers; `undefined` is /dev/null. */
  readonly childFds: (number | undefined)[];
  /** Closed here once the child has its own. */
  readonly toClose: number[];
}

/** The child's files are kept above its own numbers, so that placing one never overwrites another that is still to be placed. */
function wire({ stdio, hasOpenPipes = false }: Pick<SpawnRequest, "stdio" | "hasOpenPipes">): Wiring {
  const wiring: Wiring = { pipes: [], childFds: [], toClose: [] };
  for (const [slot, end] of stdio.entries()) {
    if (end === "null") {
      wiring.pipes.push(undefined);
      wiring.childFds.push(undefined);
      continue;
    }
    if (typeof end === "object" && "sameAs" in end) {
      wiring.pipes.push(undefined);
      wiring.childFds.push(wiring.childFds[end.sameAs]);
      continue;
    }
    if (typeof end === "object") {
      const fd = duplicate(end.fd, F_DUPFD_CLOEXEC, stdio.length);
      wiring.pipes.push(undefined);
      wiring.childFds.push(fd);
      wiring.toClose.push(fd);
      continue;
    }
    const { readFd, writeFd } = createPipe();
    if (hasOpenPipes && slot < STREAMS) fchmod(readFd, OPEN_MODE); // Both ends are one file.
    const isToChild = end === "pipe-to-child";
    const childEnd = isToChild ? readFd : writeFd;
    const childFd = childEnd < stdio.length ? duplicate(childEnd, F_DUPFD_CLOEXEC, stdio.length) : childEnd;
    if (childFd !== childEnd) closeFd(childEnd);
    wiring.pipes.push(streamOverFd(isToChild ? writeFd : readFd, { isReadable: !isToChild, isWritable: isToChild }));
    wiring.childFds.push(childFd);
    wiring.toClose.push(childFd);
  }
  return wiring;
}

/** The kernel holds up the thread that starts a program until the child has a processor: more at once would only take threads from others. */
const SPAWNS_AT_ONCE_MAX = 4;
const spawns = new Gate(SPAWNS_AT_ONCE_MAX);

async function spawn(request: SpawnRequest): Promise<ChildProcess> {
  const {
    file,
    args,
    stdio,
    cwd,
    env = { PATH: process.env["PATH"] ?? DEFAULT_PATH },
    isSessionLeader = false,
    goesFirst = false,
  } = request;
  const { pipes, childFds, toClose } = wire(request);
  const actions = Buffer.alloc(ACTIONS_BYTES);
  check("posix_spawn_file_actions_init", actionsInit(actions));
  try {
    childFds.forEach((fd, slot) => {
      if (fd === undefined) check("addopen", actionsOpen(actions, slot, "/dev/null", O_RDWR, 0));
      else check("adddup2", actionsDup2(actions, fd, slot));
    });
    if (cwd !== undefined) check("addchdir", actionsChdir(actions, cwd));
    check("addclosefrom", actionsCloseFrom(actions, stdio.length));
    const environment = Object.entries(env).map(([name, value]) => `${name}=${value}`);
    const pid = await spawns.run(() =>
      start({ file, actions, attributes: attributesFor(isSessionLeader), argv: [file, ...args], environment, goesFirst }),
    );
    return childProcess(pid, pipes);
  } catch (error) {
    for (const pipe of pipes) pipe?.destroy();
    throw error;
  } finally {
    actionsDestroy(actions);
    for (const fd of toClose) closeFd(fd);
  }
}

interface Start {
  readonly file: string;
  readonly actions: Buffer;
  readonly attributes: Buffer;
  readonly argv: readonly string[];
  readonly environment: readonly string[];
  readonly goesFirst: boolean;
}

/** In the libuv pool. @returns the pid. */
function start({ file, actions, attributes, argv, environment, goesFirst }: Start): Promise<number> {
  const pid = Buffer.alloc(PID_BYTES);
  if (goesFirst) {
    // Here, since nothing may come between its start and that.
    const errno = posixSpawnp(pid, file, actions, attributes, [...argv, null], [...environment, null]);
    if (errno !== 0) throw new SystemCallError(`cannot run ${file}`, errno);
    goFirst(pid.readInt32LE());
    return Promise.resolve(pid.readInt32LE());
  }
  const used = { pid, actions, attributes }; // What the call works on lives as long as whoever waits for it.
  return new Promise((resolve, reject) => {
    posixSpawnp.async(pid, file, actions, attributes, [...argv, null], [...environment, null], (error, errno) => {
      if (error !== null) reject(error);
      else if (errno !== 0) reject(new SystemCallError(`cannot run ${file}`, errno));
      else resolve(used.pid.readInt32LE());
    });
  });
}

function childProcess(pid: number, pipes: readonly (Socket | undefined)[]): ChildProcess {
  const exit = exitOf(pid);
  return {
    pid,
    pipes,
    exit,
    kill(signal) {
      if (isOwnChild(pid)) process.kill(pid, signal);
    },
  };
}

export function createSpawner(): Spawner {
  return { spawn };
}
