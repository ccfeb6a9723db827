import type { ServicePrivileges } from "../../model/service-privileges.ts";
import { type Codec, field, omitEmpty, struct } from "./codec.ts";
import { refusing } from "./refusing.ts";
import { adapt, bytes, flag, optional, text } from "./scalars.ts";

type Seccomp = NonNullable<ServicePrivileges["seccomp"]>;
type AppArmor = NonNullable<ServicePrivileges["appArmor"]>;

const seLinux = struct<NonNullable<ServicePrivileges["seLinux"]>>("swarm.SELinuxContext", {
  disable: field("Disable", flag),
  user: field("User", text),
  role: field("Role", text),
  type: field("Type", text),
  level: field("Level", text),
});

const profileText = adapt(bytes, {
  toModel: value => Buffer.from(value).toString("utf8"),
  toWire: (value: string) => Buffer.from(value, "utf8"),
});

/** One that is not given is the default; others are the validation's to refuse. */
function mode<Mode extends string>(fallback: Mode) {
  return adapt(text, { toModel: value => (value === "" ? fallback : value) as Mode, toWire: (value: Mode) => value });
}

const seccomp = struct<Seccomp>("swarm.SeccompOpts", {
  mode: omitEmpty("Mode", mode<Seccomp["mode"]>("default")),
  profile: omitEmpty("Profile", profileText),
});
const appArmor = struct<AppArmor>("swarm.AppArmorOpts", { mode: omitEmpty("Mode", mode<AppArmor["mode"]>("default")) });

const ofLinux = struct<ServicePrivileges>("swarm.Privileges", {
  seLinux: field("SELinuxContext", optional(seLinux)),
  seccomp: omitEmpty("Seccomp", optional(seccomp)),
  appArmor: omitEmpty("AppArmor", optional(appArmor)),
  noNewPrivileges: field("NoNewPrivileges", flag),
});
/** Of Windows. */
const CREDENTIALS = "CredentialSpec";

/** @see moby api/types/swarm/container.go, whose order of fields this is. */
export const servicePrivileges: Codec<ServicePrivileges> = {
  ...refusing(ofLinux, [CREDENTIALS]),
  write: value => ({ [CREDENTIALS]: null, ...ofLinux.write(value) }),
};
