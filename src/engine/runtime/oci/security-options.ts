import { DEFAULT_SECCOMP_PROFILE_TEXT } from "../seccomp/default-profile.ts";
import { OperationError } from "../../../lib/errors.ts";

export interface SecurityOptions {
  readonly noNewPrivileges: boolean;
  /** `default`: the profile that is shipped. A text is a profile's JSON. */
  readonly seccomp: "default" | "unconfined" | { readonly profileText: string };
  readonly isSystemPathsUnconfined: boolean;
  /** Missing: nothing was said of it. */
  readonly hasWritableCgroups?: boolean;
  /** About what has no effect here. */
  readonly warnings: readonly string[];
}

const DEFAULTS: SecurityOptions = {
  noNewPrivileges: false,
  seccomp: "default",
  isSystemPathsUnconfined: false,
  warnings: [],
};

/**
 * Reads `--security-opt`. Where the kernel has no SELinux or AppArmor, their labels and profiles have nothing to act on. Docker takes them silently; here
 * they are taken with a warning.
 *
 * @throws OperationError `internal`, as Docker, for an option that is unknown; `invalid` for one that cannot be honoured.
 */
export function parseSecurityOptions(
  options: readonly string[],
  { hasAppArmor }: { readonly hasAppArmor: boolean },
): SecurityOptions {
  let parsed = DEFAULTS;
  for (const option of options) {
    const [name, value] = splitOption(option);
    const one = parseOption({ option, name, value, hasAppArmor });
    parsed = { ...parsed, ...one, warnings: [...parsed.warnings, ...(one.warnings ?? [])] };
  }
  return parsed;
}

/** `name=value`, or `name:value` as it was written long ago; a colon inside a value is none. */
function splitOption(option: string): readonly [name: string, value: string | undefined] {
  const end = option.includes("=") ? option.indexOf("=") : option.indexOf(":");
  return end < 0 ? [option, undefined] : [option.slice(0, end), option.slice(end + 1)];
}

interface OneOption {
  readonly option: string;
  readonly name: string;
  readonly value: string | undefined;
  readonly hasAppArmor: boolean;
}

function parseOption({ option, name, value, hasAppArmor }: OneOption): Partial<SecurityOptions> {
  switch (name) {
    case "no-new-privileges":
      return { noNewPrivileges: value === undefined || parseBoolean(option, value) };
    case "seccomp":
      return { seccomp: parseSeccomp(option, value) };
    case "systempaths":
      if (value !== "unconfined") throw new OperationError("internal", `invalid --security-opt 2: "${option}"`);
      return { isSystemPathsUnconfined: true };
    case "writable-cgroups":
      return { hasWritableCgroups: value === undefined || parseBoolean(option, value) };
    case "apparmor":
      if (value === "unconfined" || (value === "" && !hasAppArmor)) return {};
      if (!hasAppArmor) return { warnings: [`The kernel has no AppArmor. Profile ${value} discarded.`] };
      throw new OperationError(
        "invalid",
        `AppArmor profile "${value}" cannot be applied: AppArmor is not supported by this engine`,
      );
    case "label":
      if (value === "disable") return {};
      return { warnings: [`SELinux is not enabled. Label ${value} discarded.`] };
    default:
      throw new OperationError("internal", `invalid --security-opt 2: "${option}"`);
  }
}

function parseBoolean(option: string, value: string): boolean {
  if (/^(1|t|T|TRUE|true|True)$/.test(value)) return true;
  if (/^(0|f|F|FALSE|false|False)$/.test(value)) return false;
  throw new OperationError("internal", `invalid --security-opt 2: "${option}"`);
}

function parseSeccomp(option: string, value: string | undefined): SecurityOptions["seccomp"] {
  if (value === undefined || value === "") throw new OperationError("internal", `invalid --security-opt 1: "${option}"`);
  if (value === "unconfined") return "unconfined";
  return { profileText: value === "builtin" ? DEFAULT_SECCOMP_PROFILE_TEXT : value };
}
