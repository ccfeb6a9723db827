import type { ProgramVersion } from "./probe.ts";

/**
 * What is known of a version of a runtime and cannot be kept from containers here. crun's, as far as known, this engine keeps from them:
 * it names no path that a container could change, and nothing starts whose mounts lie elsewhere than they should.
 */
interface Weakness {
  readonly program: string;
  readonly names: string;
  readonly effect: string;
  /** The first of each branch that is mended; those after the last are too, those before the first are not. */
  readonly mendedIn: readonly Version[];
}

type Version = readonly [major: number, minor: number, patch: number, candidate: number];

/** After all candidates. */
const RELEASED = Number.POSITIVE_INFINITY;
const WEAKNESSES: readonly Weakness[] = [
  {
    program: "runc",
    names: "CVE-2025-31133, CVE-2025-52565, CVE-2025-52881",
    effect: "a container can change settings of this host through a volume that it shares with one that is being started",
    mendedIn: [
      [1, 2, 8, RELEASED],
      [1, 3, 3, RELEASED],
      [1, 4, 0, 3],
    ],
  },
];

/** What a user should know of a runtime; `undefined` when nothing is known of it, or it does not say what it is. */
export function weaknessOf({ program, version }: Pick<ProgramVersion, "program" | "version">): string | undefined {
  const parsed = parseVersion(version);
  const weakness = WEAKNESSES.find(known => known.program === program);
  if (parsed === undefined || weakness === undefined || isMended(parsed, weakness.mendedIn)) return undefined;
  const { names, effect, mendedIn } = weakness;
  const versions = mendedIn.map(one => shown(one)).join(", ");
  return `${program} ${version} is known to be weak (${names}): ${effect}. Mended in ${versions} and later, or by who distributes it.`;
}

/** `1.1.5+ds1`, `1.4.0-rc.2`. */
function parseVersion(text: string): Version | undefined {
  const [, major, minor, patch, candidate] = /^v?(\d+)\.(\d+)\.(\d+)(?:-rc\.?(\d+))?/.exec(text) ?? [];
  if (major === undefined) return undefined;
  return [Number(major), Number(minor), Number(patch), candidate === undefined ? RELEASED : Number(candidate)];
}

function isMended(version: Version, mendedIn: readonly Version[]): boolean {
  const ofBranch = mendedIn.find(([major, minor]) => major === version[0] && minor === version[1]);
  const last = mendedIn.at(-1);
  return last !== undefined && compare(version, ofBranch ?? last) >= 0;
}

function compare(left: Version, right: Version): number {
  const at = left.findIndex((part, index) => part !== right[index]);
  return at < 0 ? 0 : (left[at] ?? 0) - (right[at] ?? 0);
}

function shown([major, minor, patch, candidate]: Version): string {
  return `${major}.${minor}.${patch}${candidate === RELEASED ? "" : `-rc.${candidate}`}`;
}
