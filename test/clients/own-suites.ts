import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { makeImages } from "./images.ts";
import type { TestResult } from "./judge.ts";
import { readLines, readMocha, readPytest, readVitest } from "./reports.ts";
import { runOn, type Suite, type Target } from "./suite.ts";

/** Checkouts of `dockerode`, `testcontainers-node` and `docker-py`: their tests are in no package. */
const SOURCES = process.env["SHOAL_CLIENT_SOURCES"] ?? "";
/** Debian's, which has the packages that the suites need. */
const PYTHON = "/usr/bin/python3";
const LIMIT_MS = 1_200_000;

function lacksCheckout(name: string, inside: string): string | undefined {
  if (SOURCES === "") return `SHOAL_CLIENT_SOURCES, a folder with a checkout of ${name}`;
  return existsSync(join(SOURCES, name, inside))
    ? undefined
    : `${join(SOURCES, name, inside)}: a checkout with what it depends on installed`;
}

function lacksPython(modules: readonly string[], packages: string): string | undefined {
  try {
    execFileSync(PYTHON, ["-c", `import ${modules.join(", ")}`], { stdio: "ignore" });
    return undefined;
  } catch {
    return `Debian's ${packages}`;
  }
}

/** A reporter's file, or none of it where the suite broke down. */
function readReport(file: string, read: (text: string) => readonly TestResult[], said: string): readonly TestResult[] {
  if (!existsSync(file)) {
    console.error(said);
    return [];
  }
  const results = read(readFileSync(file, "utf8"));
  rmSync(file);
  return results;
}

export const DOCKERODE: Suite = {
  name: "dockerode",
  title: "dockerode 5.0.1, its own tests",
  lacks: () => lacksCheckout("dockerode", "node_modules"),
  isShared: true,
  images: folder => makeImages(folder, ["ubuntu"]),
  run: async target => {
    const socket = target.engine.dockerHost.replace("unix://", "");
    const report = join(target.folder, "dockerode.json");
    // Its tests know one place of the socket alone.
    const script = `mount --make-rprivate / && mount -t tmpfs tmpfs /run && ln -s ${socket} /run/docker.sock || exit 1
      exec node_modules/.bin/mocha -R json --reporter-option output=${report} --exit --timeout 20000 test/{container,docker,image,networks,plugin,promises,swarm,util}.js`;
    const { stdout, stderr } = await runOn(target, ["unshare", "--mount", "bash", "-c", script], {
      cwd: join(SOURCES, "dockerode"),
      env: { DOCKER_HOST: undefined },
      limitMs: LIMIT_MS,
    });
    return readReport(report, readMocha, stdout + stderr);
  },
};

/** What needs nothing but an engine; the rest asks a hub or is about programs of its own (its compose client, its reaper, port forwarding by ssh). */
const TESTCONTAINERS_TESTS = [
  "generic-container",
  "network",
  "wait-strategies",
  "container-runtime/utils",
  "container-runtime/clients/container",
  "utils",
];

export const TESTCONTAINERS: Suite = {
  name: "testcontainers",
  title: "testcontainers 12.1 for Node, its own tests",
  lacks: () => lacksCheckout("testcontainers-node", "node_modules"),
  isShared: false, // Ten programs at a time as it is.
  images: folder => makeImages(folder, ["busybox", "testcontainer", "udp-listener"], SOURCES),
  run: async target => {
    const report = join(target.folder, "testcontainers.json");
    const vitest = [
      "node_modules/vitest/vitest.mjs",
      "run",
      "--reporter=json",
      `--outputFile=${report}`,
      "--maxWorkers=2",
      "--testTimeout=60000",
    ];
    const tests = TESTCONTAINERS_TESTS.map(name => `packages/testcontainers/src/${name}`);
    const { stdout, stderr } = await runOn(target, [nodeProgram(), ...vitest, ...tests], {
      cwd: join(SOURCES, "testcontainers-node"),
      // With `CI` it tries again what fails, up to three times, as its authors have it: its tests run side by side and race for ports, sessions and processors.
      env: { TESTCONTAINERS_RYUK_DISABLED: "true", CI: "true", DEBUG: "", HOME: target.folder, TMPDIR: target.folder },
      limitMs: LIMIT_MS,
    });
    return readReport(report, readVitest, stdout + stderr);
  },
};

/** A newer Node than this project needs may be named for it. */
function nodeProgram(): string {
  return process.env["SHOAL_CLIENT_NODE"] ?? process.execPath;
}

export const DOCKER_PY: Suite = {
  name: "docker-py",
  title: "docker-py 7.2, its own integration tests",
  lacks: () =>
    lacksCheckout("docker-py", "tests") ??
    lacksPython(
      ["pytest", "pytest_timeout", "paramiko", "requests"],
      "python3-pytest, python3-pytest-timeout, python3-paramiko and python3-requests",
    ),
  isShared: true,
  images: folder => makeImages(folder, ["busybox", "hello"]),
  run: async target => {
    const run = (extra: readonly string[]) =>
      runOn(target, [PYTHON, ...pytestArgs(target), ...extra], {
        cwd: join(SOURCES, "docker-py"),
        env: { HOME: target.folder, TMPDIR: target.folder, PYTHONDONTWRITEBYTECODE: "1", CI: "true" },
        limitMs: LIMIT_MS,
      });
    const { stdout, stderr } = await run([]);
    const results = readPytest(stdout);
    if (results.length === 0) console.error(stdout + stderr);
    return withSecondTry(results, readPytest((await run(["--last-failed"])).stdout));
  },
};

/**
 * Python's client reads an answer's head through a buffer and throws the rest of the buffer away: output that comes along with the head, as it does
 * when the client had to wait for a processor, is lost. So what fails is tried once more, on both engines.
 */
function withSecondTry(first: readonly TestResult[], second: readonly TestResult[]): readonly TestResult[] {
  const passed = new Set(second.filter(({ isPassed }) => isPassed).map(({ name }) => name));
  return first.map(result =>
    !result.isPassed && passed.has(result.name) ? { ...result, isPassed: true, isSecondTry: true } : result,
  );
}

const TEST_LIMIT_S = 60;

function pytestArgs({ folder }: Target): readonly string[] {
  const cache = `cache_dir=${join(folder, "pytest")}`;
  return ["-m", "pytest", "-v", "-rfE", "--tb=no", "-o", cache, `--timeout=${TEST_LIMIT_S}`, "tests/integration"];
}

export const PYTHON_DOCKER: Suite = {
  name: "python",
  title: "python3-docker 5.0.3, a program of ours",
  lacks: () => lacksPython(["docker"], "python3-docker"),
  isShared: true,
  images: folder => makeImages(folder, ["busybox"]),
  run: async target => {
    const run = async () =>
      readLines((await runOn(target, [PYTHON, "test/clients/python_docker.py"], { limitMs: LIMIT_MS })).stdout);
    const first = await run();
    return first.every(({ isPassed }) => isPassed) ? first : withSecondTry(first, await run());
  },
};
