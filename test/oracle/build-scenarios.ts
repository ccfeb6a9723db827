import { encodeMember, TAR_END } from "../../src/lib/tar/writer.ts";
import { build, docker, type Scenario, type Step } from "./scenario.ts";

const INSPECT = docker(
  "inspect built --format '{{json .Config}} {{.Author}} {{.Architecture}} {{.Os}} {{len .RootFS.Layers}} {{.Parent}} {{.RepoTags}}'",
);
const HISTORY = docker("history built --no-trunc --format '{{.CreatedBy}} {{.Size}} {{.ID}} {{.Comment}}'");

/** One build, and what it made. */
function builds(name: string, files: string | Readonly<Record<string, string>>, ...more: readonly Step[]): Scenario {
  return { name: `build: ${name}`, steps: [build("-t built", files), INSPECT, HISTORY, ...more] };
}

/** A build that fails, with what it leaves. */
function fails(name: string, files: string | Readonly<Record<string, string>>, flags = ""): Scenario {
  return {
    name: `build fails: ${name}`,
    steps: [
      build(`-t built ${flags}`, files),
      docker("ps -a --format '{{.Status}}'"),
      docker("images -a --format '{{.Repository}}'"),
    ],
  };
}

/** Past the client: a context as an archive, with the answer as it is sent. */
function sent(path: string, files: Readonly<Record<string, string>>): Step {
  const members = Object.entries(files).map(([name, content]) =>
    encodeMember({ type: "file", path: name }, Buffer.from(content)),
  );
  const body = Buffer.concat([...members, TAR_END]).toString("latin1");
  return { kind: "http", method: "POST", path, body, headers: { "Content-Type": "application/x-tar" } };
}

/** When a file was made is left out of a listing. */
const UNTIMED = '| sed "s/ [A-Z][a-z][a-z] [ 0-9:]* / /"';
const show = (command: string): Step => docker(`run --rm --network none built sh -c '${command}'`);

/** Images through the classic builder. */
export const BUILD_SCENARIOS: readonly Scenario[] = [
  builds("FROM alone", "FROM busybox\n"),
  builds("a command", "FROM busybox\nRUN echo hi; mkdir /made; echo x >/made/f\nRUN echo bad >&2\n", show("cat /made/f")),
  builds(
    "settings of every kind",
    `FROM busybox
MAINTAINER me <me@example.com>
LABEL a=1 b="two words"
ENV x=1 y="two words"
ENV old the way
WORKDIR /work/$x
EXPOSE 80 53/udp 8000-8002
VOLUME ["/data", "/more"]
USER nobody
STOPSIGNAL SIGINT
HEALTHCHECK --interval=90s --retries=3 CMD true
SHELL ["/bin/sh", "-e", "-c"]
ENTRYPOINT echo entry
CMD ["a", "b"]
ONBUILD RUN echo triggered
ARG unused=1
`,
  ),
  builds(
    "files of the context",
    {
      Dockerfile:
        "FROM busybox\nCOPY a /a\nCOPY d /d\nCOPY d/x d/y /two/\nCOPY d/* /all/\nCOPY link /linked\nADD tool /bin/tool\nCOPY . /everything/\n",
      a: "content of a\n",
      "d/x": "x\n",
      "d/y": "y\n",
      "d/e/f": "deep\n",
      "link -> a": "",
      "0755 tool": "#!/bin/sh\necho tool\n",
    },
    show(`cat /a /d/e/f /two/x /all/y /linked; ls -lnR /d /all /two /everything ${UNTIMED}; tool`),
  ),
  builds(
    "files for somebody else, and into a folder by a link",
    {
      Dockerfile:
        "FROM busybox\nRUN mkdir /real && ln -s /real /link && ln -s ../../../../etc /out\nCOPY --chown=nobody:nogroup a /link/\nCOPY --chown=1:2 d /new/sub\nCOPY a /out/made\n",
      a: "a\n",
      "d/x": "x\n",
    },
    show(`ls -ln /real /new /new/sub /etc/made ${UNTIMED}`),
  ),
  builds(
    "several stages",
    {
      Dockerfile:
        "ARG base=busybox\nFROM $base AS one\nRUN echo 1 >/one\nFROM one AS two\nRUN echo 2 >/two\nFROM busybox\nCOPY --from=one /one /one\nCOPY --from=1 /two /from/\nCOPY --from=busybox /etc/passwd /copied\n",
    },
    show("cat /one /from/two /copied"),
  ),
  builds(
    "nothing below",
    { Dockerfile: 'FROM scratch\nCOPY f /f\nCMD ["/f"]\nLABEL a=b\nWORKDIR /w\n', f: "only\n" },
    docker("create --name box built"),
    docker("diff box"),
  ),
  {
    name: "build: arguments",
    steps: [
      build(
        "-t built --build-arg a=given --build-arg nobody=1 --build-arg HTTP_PROXY=none --label l=1 --label k=$x",
        "ARG top=1\nFROM busybox\nARG a=default\nARG b=default\nARG top\nENV e=$a-${b:-x}-${c:+y}-$top\nRUN echo $a $b $HTTP_PROXY $e\n",
      ),
      INSPECT,
      HISTORY,
    ],
  },
  {
    name: "build: what was made before is taken",
    steps: [
      build("-t built", { Dockerfile: "FROM busybox\nRUN echo cached\nCOPY f /f\nENV a=1\n", f: "same\n" }),
      build("-t built:2", { Dockerfile: "FROM busybox\nRUN echo cached\nCOPY f /f\nENV a=1\n", f: "same\n" }),
      build("-t built:3", { Dockerfile: "FROM busybox\nRUN echo cached\nCOPY f /f\nENV a=1\n", f: "other\n" }),
      build("-t built:4 --no-cache", { Dockerfile: "FROM busybox\nRUN echo cached\n" }),
      docker("rmi built:2 built:3 built:4"),
      docker("rmi built"),
      docker("images -q -a --filter dangling=true"),
    ],
  },
  {
    name: "build: triggers of the base",
    steps: [
      build("-t built:base", "FROM busybox\nONBUILD RUN echo triggered >/t\nONBUILD ENV from=trigger\n"),
      build("-t built", "FROM built:base\nRUN cat /t\n"),
      INSPECT,
      HISTORY,
    ],
  },
  {
    name: "build: up to a target, quietly, by another file",
    steps: [
      build("-t built --target ONE -f other/Docker.file", {
        "other/Docker.file": "FROM busybox AS one\nRUN echo 1\nFROM busybox\nRUN false\n",
      }),
      build("-q -t built:q", "FROM busybox\nRUN echo quiet\n"),
      build("-q", "FROM busybox\nRUN echo loud; exit 3\n"),
      build("-t built --target nope", "FROM busybox AS one\n"),
    ],
  },
  {
    name: "build: containers that stay",
    steps: [
      build("-t built --rm=false", "FROM busybox\nRUN echo stay\nENV a=1\n"),
      docker("ps -a --no-trunc --format '{{.Image}} {{.Command}} {{.Status}}'"),
    ],
  },
  {
    name: "build: containers that never stay",
    steps: [build("-t built --force-rm", "FROM busybox\nRUN false\n"), docker("ps -a --format '{{.Status}}'")],
  },
  {
    name: "build: what a step sees",
    steps: [
      build(
        "-t built --memory 64m --cpu-shares 512 --shm-size 32m --add-host h:1.2.3.4 --network none --ulimit nofile=99:100 --cgroup-parent /oracle",
        "FROM busybox\nENV a=1\nWORKDIR /w\nUSER nobody\nRUN pwd; id -u; env | sort; ulimit -n; ulimit -Hn; df -k /dev/shm | tail -1; tail -1 /etc/hosts; ls /sys/class/net; hostname | wc -c\n",
      ),
    ],
  },
  {
    name: "build: left out by .dockerignore",
    steps: [
      build("-t built", {
        Dockerfile: "FROM busybox\nCOPY . /c\nRUN ls -a /c /c/d\n",
        ".dockerignore": "*.log\nd/*\n!d/keep\nDockerfile\n.dockerignore\n",
        "a.log": "",
        b: "",
        "d/no": "",
        "d/keep": "",
      }),
    ],
  },
  {
    name: "build: a Dockerfile from the standard input",
    steps: [
      docker("build -t built -", { stdin: "FROM busybox\nRUN echo hi\n" }),
      docker("build -", { stdin: "FROM busybox\nCOPY a /\n" }),
    ],
  },
  fails("a command ends badly", "FROM busybox\nRUN echo out; exit 7\nRUN echo never\n"),
  fails("a program is not there", 'FROM busybox\nRUN ["/nope"]\n'),
  fails("a file is not in the context", "FROM busybox\nCOPY nope /\n"),
  fails("a file is not in a stage", "FROM busybox AS one\nFROM busybox\nCOPY --from=one /nope /\n"),
  fails("no file fits", "FROM busybox\nCOPY *.nope /\n"),
  fails("several files into one", { Dockerfile: "FROM busybox\nCOPY a b /c\n", a: "", b: "" }),
  fails("a path leads out of the context", "FROM busybox\nCOPY ../a /\n"),
  fails("a stage is not there", "FROM busybox\nCOPY --from=3 /a /\n"),
  fails("a stage copies from itself", "FROM busybox\nCOPY --from=0 /a /\n"),
  fails("two stages have one name", "FROM busybox AS a\nFROM busybox AS a\n"),
  fails("an instruction is unknown", "FROM busybox\nRUNN echo\n"),
  fails("there is no FROM", "RUN echo\n"),
  fails("nothing but comments", "# nothing\n"),
  fails("an empty Dockerfile", { Dockerfile: "" }),
  {
    name: "build fails: no Dockerfile",
    steps: [
      sent("/build", { a: "" }),
      sent("/build?dockerfile=nope", { a: "" }),
      sent("/build?dockerfile=../nope", { a: "" }),
      sent("/build?t=UPPER", { Dockerfile: "FROM busybox\n" }),
      sent("/build?version=3", { Dockerfile: "FROM busybox\n" }),
      sent("/build?buildargs=x", { Dockerfile: "FROM busybox\n" }),
      sent("/build?remote=nowhere", { Dockerfile: "FROM busybox\n" }),
      sent("/build?squash=1", { Dockerfile: "FROM busybox\n" }),
      { kind: "http", method: "POST", path: "/build/prune" },
      { kind: "http", method: "POST", path: "/build/prune?keep-storage=x" },
      { kind: "http", method: "POST", path: "/build/cancel" },
    ],
  },
  {
    name: "build: as it is told",
    steps: [
      sent("/v1.50/build?t=built", { Dockerfile: "FROM busybox\nRUN echo hi\nENV a=1\n" }),
      sent("/v1.50/build?t=built&q=1", { dockerfile: "FROM busybox\nRUN echo hi\n" }),
      sent("/v1.50/build?t=built", { Dockerfile: "FROM busybox\nRUN exit 4\n" }),
    ],
  },
  fails("a base that cannot be a name", "FROM Busy_Box:\n"),
  fails("a base without a name", "FROM ${nothing}\n"),
  fails("a user is unknown", { Dockerfile: "FROM busybox\nCOPY --chown=who a /\n", a: "" }),
  fails("a variable must be set", "FROM busybox\nENV a=${nope:?is needed}\n"),
  fails("a quote has no end", 'FROM busybox\nENV a="x\n'),
  fails("a signal is none", "FROM busybox\nSTOPSIGNAL foo\n"),
  fails("what BuildKit alone can do", "FROM busybox\nRUN --mount=type=cache,target=/x true\n"),
  fails("a mode for files", { Dockerfile: "FROM busybox\nCOPY --chmod=777 a /\n", a: "" }),
  fails("a tag is no name", "FROM busybox\n", "-t UPPER"),
  fails("a platform is unknown", "FROM --platform=foo busybox\n"),
  fails("an image layered too often", `FROM busybox\n${"ONBUILD ONBUILD x"}\n`),
];
