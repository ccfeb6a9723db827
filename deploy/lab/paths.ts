import { join } from "node:path";

/** Where a lab keeps everything: one folder, so that `down` knows what to take away. */
export const LAB_ROOT = process.env["SHOAL_LAB_ROOT"] ?? "/var/lib/shoal-lab";

/** A host of a lab: `m1`, `w2`, or `client`, which has a network but no daemon. */
export interface LabHost {
  readonly lab: string;
  readonly name: string;
  readonly address: string;
  readonly directory: string;
  readonly namespace: string;
  readonly socket: string;
  readonly cgroup: string;
}

const SUBNET = "10.99.0";
const CLIENT_NUMBER = 250;
/** Managers have addresses from .11 on, workers from .101 on. */
const FIRST_NUMBER = { m: 10, w: 100 };
/** Of each kind. */
export const HOSTS_MAX = 80;

export const PREFIX_LENGTH = 24;

export function hostNames(options: { readonly managers: number; readonly workers: number }): readonly string[] {
  const series = (letter: string, count: number) => Array.from({ length: count }, (_, index) => `${letter}${index + 1}`);
  return [...series("m", options.managers), ...series("w", options.workers)];
}

/** @throws Error when the name is not one that a lab could have. */
export function labHost(lab: string, name: string): LabHost {
  const directory = join(LAB_ROOT, lab, name);
  return {
    lab,
    name,
    address: `${SUBNET}.${addressNumber(name)}`,
    directory,
    namespace: `shoal-${lab}-${name}`,
    socket: join(directory, "shoal.sock"),
    cgroup: `/shoal-lab/${lab}/${name}`,
  };
}

function addressNumber(name: string): number {
  if (name === "client") return CLIENT_NUMBER;
  const match = /^([mw])([1-9]\d?)$/.exec(name);
  const number = Number(match?.[2]);
  if (match === null || number > HOSTS_MAX) throw new Error(`no such host: ${name} (hosts are m1.., w1.. and client)`);
  return FIRST_NUMBER[match[1] as "m" | "w"] + number;
}

export function labDirectory(lab: string): string {
  if (!/^[a-z0-9][a-z0-9-]{0,19}$/.test(lab)) throw new Error(`invalid lab name: ${lab}`);
  return join(LAB_ROOT, lab);
}

export function switchNamespace(lab: string): string {
  return `shoal-${lab}-switch`;
}
