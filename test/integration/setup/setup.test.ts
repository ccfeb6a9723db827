import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const TOOLS = [
  "bash",
  "sh",
  "dirname",
  "id",
  "ls",
  "sed",
  "grep",
  "sort",
  "comm",
  "cat",
  "mkdir",
  "rm",
  "awk",
  "xargs",
  "setpriv",
];
const PROGRAMS = [
  "conmon",
  "crun",
  "runc",
  "ip",
  "iptables",
  "nft",
  "conntrack",
  "busybox",
  "tini-static",
  "zstd",
  "nsenter",
  "perl",
];

const DEPLOY_FILES = ["deploy", "deploy/setup.sh", "deploy/shoald.service", "deploy/shoald.socket"];

/** A project folder and a PATH of its own: what the script finds and calls is what the test put there. */
class Machine implements Disposable {
  readonly root = mkdtempSync(join(tmpdir(), "shoal-setup-"));
  readonly #bin = join(this.root, "bin");
  readonly #project = join(this.root, "project");

  constructor() {
    for (const path of [this.#bin, join(this.#project, "deploy")]) mkdirSync(path, { recursive: true });
    chmodSync(this.root, 0o755);
    for (const name of ["setup.sh", "shoald.service", "shoald.socket"])
      copyFileSync(`deploy/${name}`, join(this.#project, "deploy", name));
    for (const name of TOOLS) symlinkSync(which(name), join(this.#bin, name));
    symlinkSync(process.execPath, join(this.#bin, "node"));
    this.program("npm", 'echo "npm $*" >>"$LOG"');
  }

  program(name: string, script: string): void {
    rmSync(join(this.#bin, name), { force: true });
    writeFileSync(join(this.#bin, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  }

  projectProgram(path: string, script: string): void {
    writeFileSync(join(this.#project, path), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  }

  remove(name: string): void {
    rmSync(join(this.#bin, name), { force: true });
  }

  /** A package manager that knows what is installed: the lines of a file. */
  withApt({
    installed,
    autoremovable,
  }: {
    readonly installed: readonly string[];
    readonly autoremovable: readonly string[];
  }): void {
    writeFileSync(join(this.root, "installed"), `${installed.join("\n")}\n`);
    this.program("dpkg-query", 'while read -r name; do echo "ii  $name"; done <"$ROOT/installed"');
    this.program("apt-mark", 'echo "apt-mark $*" >>"$LOG"');
    const removals = autoremovable.map(name => `Remv ${name} [1]`).join("\n");
    this.program(
      "apt-get",
      `echo "apt-get $*" >>"$LOG"
case "$*" in
  *--simulate*) echo '${removals}' ;;
  *" install "* | install*) printf 'crun\\nlibyajl2\\n' >>"$ROOT/installed" ;;
esac`,
    );
  }

  setup(options: { readonly args?: readonly string[]; readonly user?: number } = {}): { status: number; text: string } {
    const command = ["bash", "deploy/setup.sh", ...(options.args ?? [])];
    const asUser = options.user === undefined ? [] : ["setpriv", `--reuid=${options.user}`, "--clear-groups"];
    const [file = "", ...args] = [...asUser, ...command];
    const { status, stdout, stderr } = spawnSync(join(this.#bin, file), args, {
      cwd: this.#project,
      encoding: "utf8",
      env: {
        PATH: this.#bin,
        ROOT: this.root,
        LOG: join(this.root, "log"),
        SHOAL_SETUP_RECORD: this.record,
        SHOAL_LAB_ROOT: join(this.root, "labs"),
        SHOAL_SETUP_LIBRARIES: this.libraries,
        SHOAL_SETUP_SYSTEM_PATH: this.#bin,
        SHOAL_UNIT_DIRECTORY: join(this.root, "units"),
        SHOAL_SYSTEMD_RUN: join(this.root, "units"),
      },
    });
    return { status: status ?? -1, text: `${stdout}${stderr}` };
  }

  /** In place of /usr/lib. */
  get libraries(): string {
    return join(this.root, "libraries");
  }

  get record(): string {
    return join(this.root, "record");
  }

  /** What npm and apt were told to do. */
  get log(): readonly string[] {
    const path = join(this.root, "log");
    return existsSync(path) ? readFileSync(path, "utf8").trim().split("\n") : [];
  }

  get projectFiles(): readonly string[] {
    return readdirSync(this.#project, { recursive: true }).map(String).sort();
  }

  makeProjectFolder(path: string): void {
    mkdirSync(join(this.#project, path), { recursive: true });
  }

  [Symbol.dispose](): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}

function which(name: string): string {
  return spawnSync("sh", ["-c", `command -v ${name}`], { encoding: "utf8" }).stdout.trim();
}

describe("deploy/setup.sh", function () {
  this.timeout(20_000);

  const refusals: readonly {
    readonly when: string;
    readonly arrange: (machine: Machine) => void;
    readonly user?: number;
    readonly says: RegExp;
  }[] = [
    {
      when: "there is no Node.js",
      arrange: machine => machine.remove("node"),
      says: /^setup: Node\.js 20\.19 or newer is needed: install it first$/m,
    },
    {
      when: "Node.js is too old",
      arrange: machine => {
        writeFileSync(
          join(machine.root, "old.cjs"),
          'Object.defineProperty(process, "versions", { value: { ...process.versions, node: "20.18.3" } });',
        );
        machine.program(
          "node",
          `[ "$1" = --version ] && { echo v20.18.3; exit; }\nexec ${process.execPath} --require "$ROOT/old.cjs" "$@"`,
        );
      },
      says: /^setup: Node\.js 20\.19 or newer is needed, this is v20\.18\.3$/m,
    },
    { when: "there is no npm", arrange: machine => machine.remove("npm"), says: /^setup: npm is needed/m },
    {
      when: "the system has no apt",
      arrange: () => undefined,
      says: /^setup: this is neither Debian nor Ubuntu; install these first: conmon crun runc ip /,
    },
    {
      when: "it is not root and something is missing",
      arrange: machine => machine.withApt({ installed: ["bash"], autoremovable: [] }),
      user: 65_534,
      says: /^setup: run it as root: it has to install conmon crun /,
    },
  ];
  for (const { when, arrange, user, says } of refusals) {
    it(`says so and changes nothing when ${when}`, () => {
      using machine = new Machine();
      arrange(machine);
      const before = machine.projectFiles;
      const { status, text } = machine.setup(user === undefined ? {} : { user });
      assert.match(text, says);
      assert.equal(status, 1);
      assert.deepEqual([machine.log, machine.projectFiles, existsSync(machine.record)], [[], before, false]);
    });
  }

  it("records what it installed, and takes back only that which nothing else needs since", () => {
    using machine = new Machine();
    machine.withApt({ installed: ["bash", "oldlib"], autoremovable: ["crun", "oldlib"] });
    assert.equal(machine.setup().status, 0);
    assert.equal(readFileSync(join(machine.record, "packages"), "utf8"), "crun\nlibyajl2\n");
    machine.makeProjectFolder("node_modules/x");
    machine.makeProjectFolder("src");
    const { status } = machine.setup({ args: ["--uninstall"] });
    assert.equal(status, 0);
    const purged = machine.log.filter(line => / purge /.test(line)).map(line => line.split(" purge ")[1]);
    assert.deepEqual(purged, ["crun"]); // Another package came to need libyajl2; oldlib was there before.
    assert.deepEqual([existsSync(machine.record), machine.projectFiles], [false, [...DEPLOY_FILES, "src"]]);
  });

  it("installs no packages and dependencies again when they are there", () => {
    using machine = new Machine();
    for (const name of PROGRAMS) machine.program(name, "");
    machine.makeProjectFolder("node_modules");
    writeFileSync(join(machine.root, "project/package-lock.json"), "{}");
    writeFileSync(join(machine.root, "project/node_modules/.package-lock.json"), "{}");
    const { status, text } = machine.setup();
    assert.equal(status, 0, text);
    assert.deepEqual(machine.log, ["npm run --silent build"]);
  });

  const clocks: readonly { readonly when: string; readonly arrange: (machine: Machine) => void; readonly does: object }[] = [
    {
      when: "it is not there",
      arrange: machine => machine.withApt({ installed: ["bash"], autoremovable: [] }),
      does: { installed: ["libfaketime"], recorded: "crun\nlibyajl2\n", says: "" },
    },
    {
      when: "it is there",
      arrange: machine => {
        mkdirSync(join(machine.libraries, "x/faketime"), { recursive: true });
        writeFileSync(join(machine.libraries, "x/faketime/libfaketime.so.1"), "");
      },
      does: { installed: [], recorded: "", says: "" },
    },
    {
      when: "it cannot be had, and goes on",
      arrange: machine => machine.program("apt-get", "exit 100"),
      does: {
        installed: [],
        recorded: "",
        says: "setup: libfaketime cannot be installed: tests leave out what needs it\n",
      },
    },
  ];
  for (const { when, arrange, does } of clocks)
    it(`installs for tests what sets clocks when ${when}`, () => {
      using machine = new Machine();
      for (const name of PROGRAMS) machine.program(name, "");
      machine.program("dpkg-query", "");
      arrange(machine);
      const { status, text } = machine.setup({ args: ["--tests"] });
      assert.equal(status, 0, text);
      assert.equal(machine.log.at(-1), "npm run --silent build");
      const installed = machine.log.flatMap(line => / install .* (\S+)$/.exec(line)?.[1] ?? []);
      const recorded = existsSync(machine.record) ? readFileSync(join(machine.record, "packages"), "utf8") : "";
      assert.deepEqual({ installed, recorded, says: text }, does);
    });

  it("installs a service with its socket and group, and takes all of it back once its engine is gone", () => {
    using machine = new Machine();
    for (const name of PROGRAMS) machine.program(name, "");
    machine.program("getent", "exit 2");
    for (const name of ["systemctl", "groupadd", "groupdel"]) machine.program(name, `echo "${name} $*" >>"$LOG"`);
    mkdirSync(join(machine.root, "units"));
    machine.projectProgram("deploy/remove-engine.sh", 'echo "remove-engine $*" >>"$LOG"');
    const { status, text } = machine.setup({ args: ["--service"] });
    assert.equal(status, 0, text);
    const units = readdirSync(join(machine.root, "units")).sort();
    assert.deepEqual(units, ["shoald.service", "shoald.socket"]);
    const written = units.map(name => readFileSync(join(machine.root, "units", name), "utf8")).join("");
    assert.ok(!written.includes("@") && written.includes("SocketGroup=shoal\n") && written.includes(machine.root));
    assert.equal(machine.setup({ args: ["--purge"] }).status, 0);
    assert.deepEqual(
      machine.log.filter(line => !line.startsWith("npm")),
      [
        "groupadd --system shoal",
        "systemctl daemon-reload",
        "systemctl enable --now shoald.socket shoald.service",
        "remove-engine --purge",
        "systemctl disable shoald.socket shoald.service",
        "systemctl daemon-reload",
        "groupdel shoal",
      ],
    );
    assert.deepEqual([readdirSync(join(machine.root, "units")), existsSync(machine.record)], [[], false]);
  });

  it("keeps what a lab needs while one is up", () => {
    using machine = new Machine();
    mkdirSync(join(machine.root, "labs/lab"), { recursive: true });
    machine.makeProjectFolder("dist");
    const { status, text } = machine.setup({ args: ["--uninstall"] });
    assert.match(text, /^setup: a lab is up \(lab\): take it down first/);
    assert.deepEqual([status, machine.projectFiles.includes("dist")], [1, true]);
  });
});

interface LockedPackage {
  readonly resolved?: string;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

describe("package-lock.json", () => {
  const { packages } = JSON.parse(readFileSync("package-lock.json", "utf8")) as { packages: Record<string, LockedPackage> };

  it("names no host to download from", () => {
    assert.deepEqual(
      Object.values(packages).flatMap(({ resolved }) => resolved ?? []),
      [],
    );
  });

  it("has every platform's optional packages: npm ci refuses a lockfile without them", () => {
    const missing = Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
      Object.keys(optionalDependencies).filter(
        name => packages[`node_modules/${name}`] === undefined && packages[`${path}/node_modules/${name}`] === undefined,
      ),
    );
    assert.deepEqual(missing, []);
  });
});
