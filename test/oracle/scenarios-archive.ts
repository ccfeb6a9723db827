import { docker, type Scenario } from "./scenario.ts";

const RUNNING = docker("run -d --name box busybox sleep 300", { isSetUp: true });
const LISTING = "cp box:/d -";

/** Files of containers, their changes, images made of them, what they use. */
export const ARCHIVE_SCENARIOS: readonly Scenario[] = [
  {
    name: "cp out of and into a running container",
    steps: [
      RUNNING,
      docker("exec box sh -c 'mkdir /d; echo hi >/d/f'", { isSetUp: true }),
      docker("cp /usr/share/common-licenses/GPL-3 box:/d/license"),
      docker("exec box sh -c 'wc -c </d/license; ls /d'"),
      docker("cp box:/nope ."),
      docker("cp /nope/nope box:/d"),
      docker("cp /usr/share/common-licenses/GPL-3 box:/nope/"),
      docker("cp box:/d/f box:/d/g"),
    ],
  },
  {
    name: "cp into a container that does not run, with a volume",
    steps: [
      docker("create --name box -v data:/data busybox", { isSetUp: true }),
      docker("cp /usr/share/common-licenses/GPL-3 box:/data/license"),
      docker("run --rm -v data:/data busybox wc -c /data/license"),
    ],
  },
  {
    name: "cp into what is read-only",
    steps: [
      docker("run -d --name box --read-only -v data:/data -v other:/other:ro busybox sleep 300", { isSetUp: true }),
      docker("cp /usr/share/common-licenses/GPL-3 box:/tmp"),
      docker("cp /usr/share/common-licenses/GPL-3 box:/other"),
      docker("cp /usr/share/common-licenses/GPL-3 box:/data"),
    ],
  },
  { name: "cp of a folder to standard output", steps: [docker("create --name box busybox", { isSetUp: true }), docker(LISTING)] },
  {
    name: "diff and commit",
    steps: [
      RUNNING,
      docker("diff box"),
      docker("exec box touch /tmp/t", { isSetUp: true }),
      docker("diff box"),
      docker("commit -m why -a who -c 'ENV A=1' -c 'CMD [\"x\"]' box committed:1"),
      docker("inspect committed:1 --format '{{json .Config}} {{.Comment}} {{.Author}}'"),
      docker("history committed:1 --format '{{.CreatedBy}} {{.Comment}}'"),
      docker("commit -c 'FOO x' box"),
      docker("commit nope"),
      docker("rmi committed:1", { isSetUp: true }),
    ],
  },
  { name: "diff and export of nothing", steps: [docker("diff nope"), docker("export nope"), docker("stats --no-stream nope")] },
];
