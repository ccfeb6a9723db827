import { has, lacks, type FieldRow } from "../row.ts";

const MOUNT = "HostConfig.Mounts[]";
const DATA = "config.json mounts[destination=/data]";

/** Others of its fields, by their last words. */
function mount(fields: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const all = { Target: "/data", ...fields };
  return Object.fromEntries(Object.entries(all).map(([name, value]) => [`${MOUNT}.${name}`, value]));
}

const BIND = mount({ Type: "bind", Source: "{folder}" });
const READ_ONLY_BIND = mount({ Type: "bind", Source: "{folder}", ReadOnly: true });
const VOLUME = mount({ Type: "volume" });
const NAMED_VOLUME = mount({ Type: "volume", Source: "fields{n}" });
const TMPFS = mount({ Type: "tmpfs" });

export const MOUNT_ROWS: readonly FieldRow[] = [
  {
    path: "HostConfig.Binds",
    verdict: "honoured",
    note: "",
    effects: [{ value: ["{folder}:/data:ro"], in: DATA, is: has('"source":"{folder}"') }],
    refusals: [{ value: ["{folder}:/data:nosuch"], status: 500, says: /invalid mode: nosuch/ }],
  },
  {
    path: `${MOUNT}.Target`,
    verdict: "honoured",
    note: "",
    effects: [{ value: "/data", insteadOf: "/other", with: { [`${MOUNT}.Type`]: "tmpfs" }, in: `${DATA}.type`, is: "tmpfs" }],
    refusals: [{ value: "data", with: { [`${MOUNT}.Type`]: "tmpfs" }, status: 400, says: /mount path must be absolute/ }],
  },
  {
    path: `${MOUNT}.Source`,
    verdict: "honoured",
    note: "",
    effects: [
      {
        value: "{folder}/sub",
        insteadOf: "{folder}",
        with: mount({ Type: "bind" }),
        in: `${DATA}.source`,
        is: "{folder}/sub",
      },
    ],
    refusals: [
      { value: "/no/such", with: mount({ Type: "bind" }), status: 400, says: /bind source path does not exist: \/no\/such/ },
    ],
  },
  {
    path: `${MOUNT}.Type`,
    verdict: "honoured",
    note: "`bind`, `volume`, `tmpfs`, `image`; `npipe` is of Windows, and `cluster` of a plugin that nobody has",
    effects: [{ value: "tmpfs", insteadOf: "volume", with: mount({}), in: `${DATA}.type`, is: "tmpfs" }],
    refusals: [
      { value: "npipe", with: mount({ Source: "a" }), status: 400, says: /mount type unknown/ },
      { value: "cluster", with: mount({ Source: "a" }), status: 400, says: /mount type unknown/ },
    ],
  },
  {
    path: `${MOUNT}.ReadOnly`,
    verdict: "honoured",
    note: "",
    effects: [{ value: true, with: BIND, in: `${DATA}.options`, is: has('"ro"') }],
  },
  { path: `${MOUNT}.Consistency`, verdict: "kept", note: "of macOS", tries: [{ value: "cached", with: BIND }] },
  {
    path: `${MOUNT}.BindOptions.Propagation`,
    verdict: "honoured",
    note: "refused where the host's mount does not propagate",
    effects: [{ value: "private", with: BIND, in: `${DATA}.options`, is: has('"private"') }],
    refusals: [{ value: "nosuch", with: BIND, status: 400, says: /invalid propagation mode: nosuch/ }],
  },
  {
    path: `${MOUNT}.BindOptions.NonRecursive`,
    verdict: "honoured",
    note: "",
    effects: [{ value: true, with: BIND, in: `${DATA}.options`, is: has('"bind"') }],
  },
  {
    path: `${MOUNT}.BindOptions.CreateMountpoint`,
    verdict: "honoured",
    note: "",
    effects: [
      {
        value: true,
        with: mount({ Type: "bind", Source: "{folder}/made{n}" }),
        in: `${DATA}.source`,
        is: has("{folder}/made"),
      },
    ],
  },
  {
    path: `${MOUNT}.BindOptions.ReadOnlyNonRecursive`,
    verdict: "honoured",
    note: "together with `ReadOnly`; else refused",
    effects: [{ value: true, with: READ_ONLY_BIND, in: `${DATA}.options`, is: lacks('"rro"') }],
    refusals: [{ value: true, with: BIND, status: 400, says: /conflict: Writable && ReadOnlyNonRecursive/ }],
  },
  {
    path: `${MOUNT}.BindOptions.ReadOnlyForceRecursive`,
    verdict: "honoured",
    note: "what happens by itself where the kernel can (5.12), and is refused where it cannot; together with `ReadOnly`, else refused",
    refusals: [{ value: true, with: BIND, status: 400, says: /conflict: Writable && ReadOnlyForceRecursive/ }],
  },
  {
    path: `${MOUNT}.VolumeOptions.NoCopy`,
    verdict: "honoured",
    note: "",
    effects: [
      {
        value: true,
        with: { ...mount({ Type: "volume", Target: "/etc" }), Cmd: ["test", "-e", "/etc/passwd"] },
        in: "exit code",
        is: 1,
      },
    ],
  },
  {
    path: `${MOUNT}.VolumeOptions.Labels`,
    verdict: "honoured",
    note: "",
    effects: [{ value: { given: "yes" }, with: NAMED_VOLUME, in: "volume Labels", is: { given: "yes" } }],
  },
  {
    path: `${MOUNT}.VolumeOptions.DriverConfig.Name`,
    verdict: "honoured",
    note: "`local`",
    refusals: [{ value: "nosuch", with: VOLUME, status: 404, says: /plugin "nosuch" not found/ }],
  },
  {
    path: `${MOUNT}.VolumeOptions.DriverConfig.Options`,
    verdict: "honoured",
    note: "`type`, `device` and `o`",
    effects: [
      {
        value: { type: "tmpfs", device: "tmpfs", o: "size=4m" },
        with: NAMED_VOLUME,
        in: "volume Options",
        is: { type: "tmpfs", device: "tmpfs", o: "size=4m" },
      },
    ],
    refusals: [{ value: { nosuch: "1" }, with: NAMED_VOLUME, status: 400, says: /invalid option: "nosuch"/ }],
  },
  {
    path: `${MOUNT}.VolumeOptions.Subpath`,
    verdict: "honoured",
    note: "",
    effects: [
      {
        value: "sub",
        with: { ...mount({ Type: "volume", Source: "shared" }), Cmd: ["test", "-e", "/data/file"] },
        in: "exit code",
        is: 0,
      },
    ],
    refusals: [{ value: "../out", with: NAMED_VOLUME, status: 400, says: /subpath must be a relative path within the volume/ }],
  },
  {
    path: `${MOUNT}.ImageOptions.Subpath`,
    verdict: "honoured",
    note: "",
    effects: [
      {
        value: "etc",
        with: { ...mount({ Type: "image", Source: "busybox" }), Cmd: ["test", "-e", "/data/passwd"] },
        in: "exit code",
        is: 0,
      },
    ],
  },
  {
    path: `${MOUNT}.TmpfsOptions.SizeBytes`,
    verdict: "honoured",
    note: "",
    effects: [{ value: 4_194_304, with: TMPFS, in: `${DATA}.options`, is: has("size=4194304") }],
  },
  {
    path: `${MOUNT}.TmpfsOptions.Mode`,
    verdict: "honoured",
    note: "",
    effects: [{ value: 0o711, with: TMPFS, in: `${DATA}.options`, is: has("mode=711") }],
  },
  {
    path: `${MOUNT}.TmpfsOptions.Options`,
    verdict: "honoured",
    note: "`exec` and `noexec`",
    effects: [{ value: [["exec"]], with: TMPFS, in: `${DATA}.options`, is: has('"exec"') }],
    refusals: [{ value: [["nosuch"]], with: TMPFS, status: 400, says: /invalid option: nosuch/ }],
  },
];
