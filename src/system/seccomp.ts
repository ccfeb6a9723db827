import { createHash } from "node:crypto";
import { closeSync, constants, openSync, readSync } from "node:fs";
import { koffi, SystemCallError } from "./libc.ts";

/** The form in which profiles are given to be compiled: OCI's. */
export interface SeccompFilterSource {
  readonly defaultAction: string;
  readonly defaultErrnoRet?: number;
  readonly architectures: readonly string[];
  readonly flags?: readonly string[];
  readonly syscalls: readonly {
    readonly names: readonly string[];
    readonly action: string;
    readonly errnoRet?: number;
    readonly args?: readonly {
      readonly index: number;
      readonly value: number;
      readonly valueTwo?: number;
      readonly op: string;
    }[];
  }[];
}

export interface SeccompCompiler {
  /** The filter as the kernel takes it (an array of `struct sock_filter`); `undefined`: it needs something that cannot be compiled here. */
  compile(source: SeccompFilterSource): Uint8Array | undefined;
}

const COMPARISONS: Readonly<Record<string, number>> = {
  SCMP_CMP_NE: 1,
  SCMP_CMP_LT: 2,
  SCMP_CMP_LE: 3,
  SCMP_CMP_EQ: 4,
  SCMP_CMP_GE: 5,
  SCMP_CMP_GT: 6,
  SCMP_CMP_MASKED_EQ: 7,
};

/** AUDIT_ARCH_* of linux/audit.h. */
const ARCHITECTURES: Readonly<Record<string, number>> = {
  SCMP_ARCH_X86: 0x40000003,
  SCMP_ARCH_X86_64: 0xc000003e,
  SCMP_ARCH_X32: 0x4000003e,
  SCMP_ARCH_ARM: 0x40000028,
  SCMP_ARCH_AARCH64: 0xc00000b7,
  SCMP_ARCH_RISCV64: 0xc00000f3,
  SCMP_ARCH_PPC64LE: 0xc0000015,
  SCMP_ARCH_S390: 0x16,
  SCMP_ARCH_S390X: 0x80000016,
};

const EPERM = 1;
const UNKNOWN_SYSCALL = -1;
const EEXIST = -17;
const COMPARISON_BYTES = 24;
const FILTER_BYTES_MAX = 256 * 1024;
const CACHE_ENTRIES_MAX = 64;

/** `undefined` for an action that needs more than a return value. */
function actionOf(name: string, errno: number): number | undefined {
  switch (name) {
    case "SCMP_ACT_ALLOW":
      return 0x7fff0000;
    case "SCMP_ACT_ERRNO":
      return 0x00050000 | errno;
    case "SCMP_ACT_KILL":
    case "SCMP_ACT_KILL_THREAD":
      return 0x00000000;
    case "SCMP_ACT_KILL_PROCESS":
      return 0x80000000;
    case "SCMP_ACT_TRAP":
      return 0x00030000;
    case "SCMP_ACT_LOG":
      return 0x7ffc0000;
    default:
      return undefined;
  }
}

/** Loads libseccomp; `undefined` where it is not installed. Compiled filters are kept. */
export function createSeccompCompiler(): SeccompCompiler | undefined {
  const library = loadLibrary();
  if (library === undefined) return undefined;
  const cache = new Map<string, Uint8Array | undefined>();
  return {
    compile(source) {
      const key = createHash("sha256").update(JSON.stringify(source)).digest("hex");
      if (cache.has(key)) return cache.get(key);
      const filter = compile(library, source);
      if (cache.size >= CACHE_ENTRIES_MAX) cache.clear();
      cache.set(key, filter);
      return filter;
    },
  };
}

type Context = object;

interface Library {
  readonly init: (action: number) => Context | null;
  readonly addArchitecture: (context: Context, architecture: number) => number;
  readonly resolve: (name: string) => number;
  readonly addRule: (context: Context, action: number, syscall: number, count: number, comparisons: Buffer | null) => number;
  readonly exportFilter: (context: Context, fd: number) => number;
  readonly release: (context: Context) => void;
}

function loadLibrary(): Library | undefined {
  try {
    const library = koffi.load("libseccomp.so.2");
    return {
      init: library.func("void *seccomp_init(uint32_t action)"),
      addArchitecture: library.func("int seccomp_arch_add(void *context, uint32_t architecture)"),
      resolve: library.func("int seccomp_syscall_resolve_name(const char *name)"),
      addRule: library.func(
        "int seccomp_rule_add_array(void *context, uint32_t action, int syscall, uint count, const void *comparisons)",
      ),
      exportFilter: library.func("int seccomp_export_bpf(void *context, int fd)"),
      release: library.func("void seccomp_release(void *context)"),
    };
  } catch {
    return undefined;
  }
}

function compile(library: Library, source: SeccompFilterSource): Uint8Array | undefined {
  // A flag changes how the filter is installed, which the filter alone cannot say.
  if ((source.flags ?? []).length > 0) return undefined;
  const defaultAction = actionOf(source.defaultAction, source.defaultErrnoRet ?? EPERM);
  if (defaultAction === undefined) return undefined;
  const context = library.init(defaultAction);
  if (context === null) return undefined;
  try {
    for (const name of source.architectures) {
      const architecture = ARCHITECTURES[name];
      if (architecture === undefined) return undefined;
      const result = library.addArchitecture(context, architecture);
      if (result !== 0 && result !== EEXIST) return undefined; // The machine's own is there from the beginning.
    }
    for (const rule of source.syscalls) if (!addRule({ library, context, defaultAction }, rule)) return undefined;
    return exportFilter(library, context);
  } finally {
    library.release(context);
  }
}

interface Target {
  readonly library: Library;
  readonly context: Context;
  readonly defaultAction: number;
}

/** A name that libseccomp does not know is passed over, as every runtime does: the default action holds for it. */
function addRule({ library, context, defaultAction }: Target, rule: SeccompFilterSource["syscalls"][number]): boolean {
  const action = actionOf(rule.action, rule.errnoRet ?? EPERM);
  if (action === undefined) return false;
  if (action === defaultAction) return true;
  const alternatives = comparisonSets(rule.args ?? []);
  if (alternatives === undefined) return false;
  for (const name of rule.names) {
    const syscall = library.resolve(name);
    if (syscall === UNKNOWN_SYSCALL) continue;
    for (const comparisons of alternatives) {
      const count = comparisons.length / COMPARISON_BYTES;
      const result = library.addRule(context, action, syscall, count, count === 0 ? null : comparisons);
      if (result !== 0 && result !== EEXIST) return false;
    }
  }
  return true;
}

type Argument = NonNullable<SeccompFilterSource["syscalls"][number]["args"]>[number];

/** Conditions on different arguments must all hold; with two on the same one, any of them is enough. @see runc libcontainer/seccomp. */
function comparisonSets(args: readonly Argument[]): readonly Buffer[] | undefined {
  const encoded = args.map(encodeComparison);
  if (encoded.some(buffer => buffer === undefined)) return undefined;
  const buffers = encoded.filter(buffer => buffer !== undefined);
  const isRepeated = new Set(args.map(({ index }) => index)).size < args.length;
  return isRepeated ? buffers : [Buffer.concat(buffers)];
}

/** `struct scmp_arg_cmp`: argument (4), operator (4), two 64-bit operands. */
function encodeComparison({ index, value, valueTwo = 0, op }: Argument): Buffer | undefined {
  const operator = COMPARISONS[op];
  if (operator === undefined || !Number.isSafeInteger(value) || !Number.isSafeInteger(valueTwo)) return undefined;
  const buffer = Buffer.alloc(COMPARISON_BYTES);
  buffer.writeUInt32LE(index, 0);
  buffer.writeUInt32LE(operator, 4);
  buffer.writeBigUInt64LE(BigInt(value), 8);
  buffer.writeBigUInt64LE(BigInt(valueTwo), 16);
  return buffer;
}

const createMemoryFile = koffi.load("libc.so.6").func("int memfd_create(const char *name, uint flags)") as (
  name: string,
  flags: number,
) => number;
const MFD_CLOEXEC = 1;

function exportFilter(library: Library, context: Context): Uint8Array {
  const fd = createMemoryFile("seccomp", MFD_CLOEXEC);
  if (fd < 0) throw new SystemCallError("memfd_create", koffi.errno());
  try {
    const result = library.exportFilter(context, fd);
    if (result !== 0) throw new SystemCallError("seccomp_export_bpf", -result);
    const filter = Buffer.alloc(FILTER_BYTES_MAX);
    const reader = openSync(`/proc/self/fd/${fd}`, constants.O_RDONLY);
    try {
      return filter.subarray(0, readSync(reader, filter, 0, FILTER_BYTES_MAX, 0));
    } finally {
      closeSync(reader);
    }
  } finally {
    closeSync(fd);
  }
}
