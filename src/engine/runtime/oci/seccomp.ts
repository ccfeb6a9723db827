import { OperationError } from "../../../lib/errors.ts";
import type { OciSeccomp, OciSyscallArgument, OciSyscallRule } from "./types.ts";

/** A profile as Docker's users write them: OCI's, with conditions on each rule. @see moby/profiles seccomp/seccomp.go. */
export interface SeccompProfile {
  readonly defaultAction: string;
  readonly defaultErrnoRet?: number;
  readonly architectures?: readonly string[];
  readonly archMap?: readonly { readonly architecture: string; readonly subArchitectures?: readonly string[] | null }[];
  readonly flags?: readonly string[];
  readonly syscalls: readonly ProfileRule[];
}

interface ProfileRule {
  readonly name?: string;
  readonly names?: readonly string[];
  readonly action: string;
  readonly errnoRet?: number;
  readonly args?: readonly OciSyscallArgument[] | null;
  readonly includes?: RuleFilter;
  readonly excludes?: RuleFilter;
}

interface RuleFilter {
  readonly caps?: readonly string[];
  readonly arches?: readonly string[];
  /** `4.8`. */
  readonly minKernel?: string;
}

export interface SeccompTarget {
  /** Node's name. */
  readonly architecture: string;
  readonly capabilities: readonly string[];
  readonly kernelVersion: { readonly major: number; readonly minor: number };
}

/** Node's architecture to the name of libseccomp's constant and to Go's, which the conditions use. */
const ARCHITECTURES: Readonly<Record<string, { readonly seccomp: string; readonly go: string }>> = {
  x64: { seccomp: "SCMP_ARCH_X86_64", go: "amd64" },
  arm64: { seccomp: "SCMP_ARCH_AARCH64", go: "arm64" },
  arm: { seccomp: "SCMP_ARCH_ARM", go: "arm" },
  ia32: { seccomp: "SCMP_ARCH_X86", go: "386" },
  riscv64: { seccomp: "SCMP_ARCH_RISCV64", go: "riscv64" },
  s390x: { seccomp: "SCMP_ARCH_S390X", go: "s390x" },
  ppc64: { seccomp: "SCMP_ARCH_PPC64LE", go: "ppc64le" },
  loong64: { seccomp: "SCMP_ARCH_LOONGARCH64", go: "loong64" },
};

/** @throws OperationError `invalid`: the text is no profile. */
export function parseSeccompProfile(text: string): SeccompProfile {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    throw new OperationError("invalid", `Decoding seccomp profile failed: ${(error as Error).message}`, { cause: error });
  }
  if (!isProfile(parsed))
    throw new OperationError("invalid", "Decoding seccomp profile failed: defaultAction or syscalls is missing");
  if (parsed.architectures !== undefined && parsed.archMap !== undefined) {
    throw new OperationError(
      "invalid",
      "both 'architectures' and 'archMap' are specified in the seccomp profile, use either 'architectures' or 'archMap'",
    );
  }
  return parsed;
}

function isProfile(value: unknown): value is SeccompProfile {
  if (typeof value !== "object" || value === null || !("defaultAction" in value) || typeof value.defaultAction !== "string")
    return false;
  if (!("syscalls" in value) || value.syscalls === null) return false;
  return Array.isArray(value.syscalls) && value.syscalls.every(rule => typeof rule?.action === "string");
}

/** Keeps the rules whose conditions hold for this container on this machine. */
export function toOciSeccomp(profile: SeccompProfile, target: SeccompTarget): OciSeccomp {
  const names = ARCHITECTURES[target.architecture];
  const mapped = profile.archMap?.find(({ architecture }) => architecture === names?.seccomp);
  const architectures =
    mapped === undefined ? (profile.architectures ?? []) : [mapped.architecture, ...(mapped.subArchitectures ?? [])];
  return {
    defaultAction: profile.defaultAction,
    ...(profile.defaultErrnoRet === undefined ? {} : { defaultErrnoRet: profile.defaultErrnoRet }),
    architectures,
    ...(profile.flags === undefined || profile.flags.length === 0 ? {} : { flags: profile.flags }),
    syscalls: profile.syscalls.filter(rule => applies(rule, { ...target, goArchitecture: names?.go ?? "" })).map(toRule),
  };
}

function applies({ includes, excludes }: ProfileRule, target: SeccompTarget & { readonly goArchitecture: string }): boolean {
  const has = (capability: string): boolean => target.capabilities.includes(capability);
  if (includes?.arches?.length && !includes.arches.includes(target.goArchitecture)) return false;
  if (includes?.caps?.some(capability => !has(capability))) return false;
  if (includes?.minKernel !== undefined && !isAtLeast(target.kernelVersion, includes.minKernel)) return false;
  if (excludes?.arches?.includes(target.goArchitecture)) return false;
  if (excludes?.caps?.some(has)) return false;
  return excludes?.minKernel === undefined || !isAtLeast(target.kernelVersion, excludes.minKernel);
}

function isAtLeast({ major, minor }: SeccompTarget["kernelVersion"], version: string): boolean {
  const [wantedMajor = 0, wantedMinor = 0] = version.split(".").map(Number);
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);
}

function toRule({ name, names, action, errnoRet, args }: ProfileRule): OciSyscallRule {
  return {
    names: names ?? (name === undefined ? [] : [name]),
    action,
    ...(errnoRet === undefined ? {} : { errnoRet }),
    ...(args === undefined || args === null || args.length === 0 ? {} : { args }),
  };
}
