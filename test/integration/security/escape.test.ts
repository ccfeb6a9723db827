import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { TestLab, until } from "../lab/lab.ts";
import { busyboxTree, type Daemon, exec, importImage, type Outcome, runContainer, send, startContainer } from "./world.ts";

const DESCRIPTORS_FROM = 3;
const DESCRIPTORS_TO = 64;
const MIB = 1024 * 1024;
/** What a daemon may grow by while it reads a gigabyte of names. */
const GROWTH_MAX_BYTES = 128 * MIB;

describe("a container that wants out", function () {
  this.timeout(60_000);
  let lab: TestLab;
  let daemon: Daemon;
  let standing: string;

  before(async () => {
    lab = await TestLab.up({ managers: 1, workers: 0, isEmpty: true });
    daemon = lab.host("m1");
    await importImage(daemon, { name: "busybox", archive: await busyboxTree() });
    standing = await startContainer(daemon, { HostConfig: { NetworkMode: "none" } });
  });
  after(() => lab?.[Symbol.asyncDispose]());

  const run = (script: string, body: object = {}): Promise<Outcome> =>
    runContainer(daemon, { HostConfig: { NetworkMode: "none" }, ...body, Cmd: ["sh", "-c", script] });
  const image = async (name: string, script: string, changes: readonly string[] = ['CMD ["sh"]']): Promise<void> =>
    importImage(daemon, { name, archive: await busyboxTree(script), changes });
  const inHost = (path: string): string => lab.inside("m1", path);
  const rssOf = (pid: number): number => Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) * 1024;
  const daemonPid = (): number =>
    (JSON.parse(readFileSync(`${dirname(lab.host("m1").socket)}/shoald.identity`, "utf8")) as { pid: number }).pid;

  it("is not given the host's /dev/null, whose owner and mode it could change", async () => {
    const own = async (): Promise<string> => (await lab.sh("m1", "stat -c '%u:%g %a' /dev/null")).trim();
    const script =
      "chmod 602 /proc/self/fd/0; chown 7:7 /proc/self/fd/0; stat -L -c '%F %t %T %u:%g %a' /proc/self/fd/0; cat | wc -c";
    const start = await run(script);
    const later = await exec(daemon, standing, { Cmd: ["sh", "-c", script] });
    await exec(daemon, standing, { Cmd: ["true"], User: "1000" });
    const seen = "character special file 1 3 7:7 602\n0\n";
    const left = await own();
    await lab.sh("m1", "chown 0:0 /dev/null; chmod 666 /dev/null"); // It is this machine's.
    assert.deepEqual([start.output, later.output, left], [seen, seen, "0:0 666"]);
  });

  it("is alone in its namespaces", async () => {
    const kinds = ["mnt", "net", "uts", "pid", "ipc"];
    const list = `for n in ${kinds.join(" ")}; do readlink /proc/self/ns/$n; done`;
    const words = (text: string) => text.trim().split("\n");
    // Both are there at once: the number of a namespace that is gone is given to another.
    const together = await Promise.all([run(`${list}; sleep 2`), run(`${list}; sleep 2`)]);
    const [its = [], anothers = []] = together.map(({ output }) => words(output));
    const hosts = words(await lab.sh("m1", list));
    assert.deepEqual([hosts.length, its.length], [kinds.length, kinds.length]);
    assert.deepEqual(
      its.filter((name, index) => name === hosts[index] || name === anothers[index]),
      [],
    );
  });

  it("has none of the host's open files, nor in an exec", async () => {
    const list = 'for f in /proc/self/fd/*; do [ -e $f ] && echo "${f##*/} $(readlink $f)"; done';
    const command = ["sh", "-c", list];
    for (const { output } of [await run(list), await exec(daemon, standing, { Cmd: command })]) {
      const files = output.trim().split("\n");
      assert.deepEqual(
        files.map(line => line.replace(/\[\d+\]/, "")).filter(line => !/^(0 \/dev\/null|[12] pipe:)$/.test(line)),
        [],
      );
      assert.ok(files.length >= 3, output);
    }
  });

  it(`cannot make an open file of the runtime's its working directory: /proc/self/fd/${DESCRIPTORS_FROM} to ${DESCRIPTORS_TO}`, async () => {
    const numbers = Array.from({ length: DESCRIPTORS_TO - DESCRIPTORS_FROM + 1 }, (_, index) => index + DESCRIPTORS_FROM);
    for (let at = 0; at < numbers.length; at += 8) {
      const outcomes = await Promise.all(
        numbers
          .slice(at, at + 8)
          .flatMap(number => [
            exec(daemon, standing, { Cmd: ["ls", "../../../etc/hostname", "/"], WorkingDir: `/proc/self/fd/${number}` }),
            ...(number % 4 === 0 ? [run("pwd; ls ../../..", { WorkingDir: `/proc/self/fd/${number}` })] : []),
          ]),
      );
      // A folder of the container is none of the host's; anything else is not entered.
      for (const { output, isRefused, exitCode } of outcomes) {
        assert.ok(isRefused || exitCode !== 0, `it ran there: ${output}`);
        assert.doesNotMatch(output, /var\/lib|shoald|boot/);
      }
    }
    await image("hostile-workdir", "ln -s /proc/self/fd/7 w", ['CMD ["pwd"]', "WORKDIR /w"]);
    const { output, isRefused, exitCode } = await runContainer(daemon, { Image: "hostile-workdir" });
    assert.ok(isRefused || exitCode !== 0, output);
  });

  it("cannot overwrite the runtime that starts it through /proc/self/exe", async () => {
    const programs = ["/usr/bin/crun", "/usr/sbin/runc", "/usr/bin/conmon"].filter(existsSync);
    const digests = () => programs.map(path => createHash("sha256").update(readFileSync(path)).digest("hex"));
    const before = digests();
    await image("hostile-exe", "printf '#!/proc/self/exe\\n' >bin/evil; chmod 755 bin/evil; ln -s /proc/self/exe bin/exe");
    for (const Cmd of [["/bin/evil"], ["/bin/exe"], ["/proc/self/exe"]])
      await runContainer(daemon, { Image: "hostile-exe", Cmd });
    const id = await startContainer(daemon, {
      Image: "hostile-exe",
      Cmd: ["sh", "-c", 'while :; do for p in /proc/[0-9]*; do echo "" 2>/dev/null >>$p/exe; done; done 2>/dev/null'],
    });
    for (let times = 0; times < 10; times++) await exec(daemon, id, { Cmd: [times % 2 === 0 ? "/bin/evil" : "/bin/exe"] });
    assert.deepEqual(digests(), before);
    await send(daemon, `DELETE /containers/${id}?force=1`);
  });

  it("makes nothing outside with an image whose /dev, /proc, /sys and /etc are links", async () => {
    const names = ["dev", "proc", "sys", "etc"];
    await lab.sh("m1", `cd /run; mkdir outside; cd outside; mkdir ${names.join(" ")}`);
    for (const prefix of ["", "../../../../../../../.."]) {
      await image("hostile-links", names.map(name => `rm -rf ${name}; ln -s ${prefix}/run/outside/${name} ${name}`).join("\n"));
      const paths = { Volumes: Object.fromEntries(names.map(name => [`/${name}/v`, {}])), WorkingDir: "/etc/w" };
      for (const body of [{}, paths]) await runContainer(daemon, { Image: "hostile-links", Cmd: ["/bin/true"], ...body });
    }
    assert.equal((await lab.sh("m1", "cd /run/outside; find . | sort | xargs")).trim(), ". ./dev ./etc ./proc ./sys");
    assert.doesNotMatch(await lab.sh("m1", "cat /proc/self/mountinfo"), /run\/outside/);
  });

  it("opens no device but those that every container has", async () => {
    const { output } = await run(
      `i=0; for d in 'b 7 0' 'b 254 0' 'c 1 1' 'c 1 2' 'c 1 4' 'c 10 229' 'c 4 0' 'c 1 3'; do
        i=$((i + 1)); mknod /tmp/d$i $d && { dd if=/tmp/d$i of=/dev/null bs=1 count=1 2>&1 | grep -o 'not permitted' || echo "open $d"; }; done`,
    );
    assert.deepEqual(output.trim().split("\n"), [...Array.from({ length: 7 }, () => "not permitted"), "open c 1 3"]);
    const disk = await run("mknod /dev/disk b $(stat -c '0x%t 0x%T' /etc/hosts) && cat /dev/disk", {});
    assert.notEqual(disk.exitCode, 0);
  });

  it("mounts no cgroup and writes no release_agent", async () => {
    const { output } = await run(
      `for c in /sys/fs/cgroup/*; do echo 1 >$c/notify_on_release && echo "notify $c"; echo /x >$c/release_agent && echo "agent $c"; mkdir $c/x && echo "made $c"; done 2>/dev/null
       mkdir /tmp/c; mount -t cgroup -o memory cgroup /tmp/c 2>&1; mount -t cgroup2 cgroup2 /tmp/c 2>&1; unshare -Urm true 2>&1
       echo core >/proc/sys/kernel/core_pattern; echo 1 >/proc/sys/kernel/panic; true`,
    );
    assert.doesNotMatch(output, /^(notify|agent|made)/m);
    assert.equal(output.match(/mount: .*(not permitted|denied)/g)?.length, 2, output);
    assert.match(output, /unshare: .*not permitted/);
    assert.equal(output.match(/Read-only file system/g)?.length, 2, output);
  });

  it("gains nothing by a set-uid program under no-new-privileges, and root's capabilities only without", async () => {
    await image("suid", "mkdir s; cp bin/busybox s/cat; chmod 4755 s/cat");
    const who = async (SecurityOpt: readonly string[]) => {
      const body = {
        Image: "suid",
        User: "1000",
        Cmd: ["/s/cat", "/proc/self/status"],
        HostConfig: { NetworkMode: "none", SecurityOpt },
      };
      const { output } = await runContainer(daemon, body);
      const [, uid, , capabilities, flag] =
        /^Uid:\s+(\S+\s+\S+)[^]*^(CapPrm:\s+(\S+))[^]*^NoNewPrivs:\s+(\d)/m.exec(output) ?? [];
      return [uid?.replace("\t", " "), capabilities, flag];
    };
    assert.deepEqual(await who(["no-new-privileges"]), ["1000 1000", "0000000000000000", "1"]);
    assert.deepEqual((await who([]))[2], "0");
    const HostConfig = { NetworkMode: "none", SecurityOpt: ["no-new-privileges"] };
    const id = await startContainer(daemon, { HostConfig });
    const { output } = await exec(daemon, id, { Cmd: ["grep", "NoNewPrivs", "/proc/self/status"] });
    assert.match(output, /\t1\n$/);
    await send(daemon, `DELETE /containers/${id}?force=1`);
  });

  it("has nothing inheritable or ambient, nor in an exec, as root and as a user", async () => {
    const command = ["grep", "-E", "^Cap(Inh|Amb)", "/proc/self/status"];
    for (const User of ["0", "1000"]) {
      const outcomes = [await runContainer(daemon, { User, Cmd: command }), await exec(daemon, standing, { User, Cmd: command })];
      for (const { output } of outcomes)
        assert.equal(output.replaceAll(/\s+/g, " "), "CapInh: 0000000000000000 CapAmb: 0000000000000000 ");
    }
    const privileged = await exec(daemon, standing, { Privileged: true, Cmd: command });
    assert.equal(privileged.output.replaceAll(/\s+/g, " "), "CapInh: 0000000000000000 CapAmb: 0000000000000000 ");
  });

  describe("by its own users and groups", () => {
    before(() =>
      image(
        "users",
        `printf 'root:x:0:0::/root:/bin/sh\\n1000:x:0:0::/:/bin/sh\\nalice:x:1000:100::/home:/bin/sh\\n' >etc/passwd
         printf 'root:x:0:\\nusers:x:100:\\nextra:x:999:alice\\n2000:x:0:\\nwheel:x:10:alice,bob\\n' >etc/group; chmod 711 root; mkdir root/denied; chown 0:999 root/denied; chmod 705 root/denied`,
      ),
    );
    const cases: readonly (readonly [user: string, id: string])[] = [
      ["1000", "uid=1000 gid=100 groups=100,999,10"],
      ["alice", "uid=1000 gid=100 groups=100,999,10"],
      ["1000:2000", "uid=1000 gid=2000 groups=2000"],
      ["1000:extra", "uid=1000 gid=999 groups=999"],
      ["4711", "uid=4711 gid=0 groups=0"],
      ["root", "uid=0 gid=0 groups=0"],
    ];
    for (const [User, id] of cases) {
      it(`is "${User}" as its files say and numbers are ids: ${id}`, async () => {
        const script = "echo uid=$(id -u) gid=$(id -g) groups=$(grep Groups /proc/self/status | cut -f2 | xargs | tr ' ' ,)";
        const sorted = (text: string) =>
          text.trim().replace(/groups=(.*)/, (_, groups: string) => `groups=${groups.split(",").sort().join(",")}`);
        const { output } = await runContainer(daemon, { Image: "users", User, Cmd: ["sh", "-c", script] });
        assert.equal(sorted(output), sorted(id));
      });
    }

    for (const [name, script] of [
      ["a gigabyte of groups", "truncate -s 1G etc/group"],
      ["a gigabyte of users", "truncate -s 1G etc/passwd"],
      ["the host's users by a link", "rm etc/passwd; ln -s ../../../../../../../../../proc/1/root/etc/passwd etc/passwd"],
    ] as const) {
      it(`costs the daemon little with ${name}`, async () => {
        const before = rssOf(daemonPid());
        const id = await startContainer(daemon, { HostConfig: { NetworkMode: "none" } });
        const made = await exec(daemon, id, {
          Cmd: ["sh", "-c", script.replaceAll("etc/", "/etc/").replace("../".repeat(9), "/")],
        });
        assert.equal(made.exitCode, 0, made.output);
        const outcomes = await Promise.all(
          ["nobody-here", "0", "1000"].map(User => exec(daemon, id, { User, Cmd: ["id", "-u"] })),
        );
        assert.match(outcomes[0]?.output ?? "", /unable to find user nobody-here|larger than/);
        for (const { output } of outcomes.slice(1)) assert.match(output, /^(0|1000)\n$|larger than/);
        await send(daemon, `DELETE /containers/${id}?force=1`);
        assert.ok(rssOf(daemonPid()) - before < GROWTH_MAX_BYTES, `it grew by ${(rssOf(daemonPid()) - before) / MIB} MiB`);
      });
    }
  });

  it("holds nobody else up with a pipe for its users", async () => {
    const id = await startContainer(daemon, { HostConfig: { NetworkMode: "none" } });
    await exec(daemon, id, { Cmd: ["sh", "-c", "rm /etc/passwd /etc/group; mkfifo /etc/passwd /etc/group"] });
    // The runtime waits for the pipe too, in the container; nobody waits for it here.
    const held = Array.from({ length: 8 }, () => exec(daemon, id, { User: "alice", Cmd: ["id"] }).catch(() => undefined));
    const { output } = await exec(daemon, standing, { Cmd: ["echo", "served"] });
    assert.equal(output, "served\n");
    assert.equal((await runContainer(daemon, { Cmd: ["echo", "run"] })).output, "run\n");
    await send(daemon, `DELETE /containers/${id}?force=1`);
    await Promise.all(held);
  });

  it("gets what an image says as words, never as a shell's or a path's", async () => {
    const evil = "$(touch /run/pwned);`touch /run/pwned`|touch /run/pwned\n../../../../run/pwned";
    const text = JSON.stringify(evil);
    await image("hostile-config", "", [
      `LABEL evil=${text}`,
      `ENV EVIL=${text}`,
      `ENTRYPOINT ["/bin/echo", ${text}]`,
      "VOLUME /../../../../run/pwned",
    ]);
    const body = {
      Image: "hostile-config",
      Labels: { "../../evil": evil },
      Env: [`PATH=/run:${evil}`, "LD_PRELOAD=/run/evil.so"],
      Hostname: "h",
    };
    const { output } = await runContainer(daemon, body);
    assert.equal(output.trim(), evil);
    for (const [name, value] of [
      ["Hostname", "../../run/pwned"],
      ["Domainname", evil],
      ["WorkingDir", "/../../../run/pwned"],
      ["User", evil],
      ["StopSignal", evil],
    ]) {
      await runContainer(daemon, { Cmd: ["true"], [name ?? ""]: value });
    }
    for (const name of ["../../pwned", "a/../../b", "a\nb", evil]) {
      assert.equal(
        (await send(daemon, `POST /containers/create?name=${encodeURIComponent(name)}`, { body: { Image: "busybox" } })).status,
        400,
      );
      assert.equal((await send(daemon, "POST /volumes/create", { body: { Name: name } })).status, 400);
    }
    assert.equal(existsSync(inHost("/run/pwned")), false);
    assert.equal(existsSync("/run/pwned"), false);
  });

  it("shows a user of the host nothing below the data root", async () => {
    const root = `${dirname(lab.host("m1").socket)}/data`;
    const open = (await lab.sh("m1", `find ${root} -xdev -maxdepth 3 -type d -perm /022 ! -perm /1000`)).trim();
    assert.equal(open, "");
    assert.equal(statSync(root).mode & 0o007, 0);
    const seen = await lab.sh(
      "m1",
      `setpriv --reuid 65534 --regid 65534 --clear-groups ls ${root} ${root}/containers ${root}/engine ${root}/images 2>&1 || true`,
    );
    assert.equal(seen.match(/Permission denied/g)?.length, 4, seen);
    for (const name of ["containers", "engine", "images", "volumes"]) {
      assert.ok(existsSync(`${root}/${name}`), `no ${name}`);
      assert.equal(
        statSync(`${root}/${name}`).mode & 0o027 & ~0o010,
        0,
        `${name} is ${(statSync(`${root}/${name}`).mode & 0o777).toString(8)}`,
      );
    }
  });

  it("finds no abstract socket of ours to speak to, and none on the network it shares with the host", async () => {
    const { output } = await runContainer(daemon, { HostConfig: { NetworkMode: "host" }, Cmd: ["cat", "/proc/net/unix"] });
    assert.doesNotMatch(output, /@/);
    assert.match(output, /shoal\.sock/);
    await until("its processes are there", 5000, async () => /conmon/.test(await lab.sh("m1", "ps -e -o args")));
    assert.equal(statSync(lab.host("m1").socket).mode & 0o007, 0);
    const other = (await lab.sh("m1", "find /run/shoal /run/*.sock -type s -perm /006 2>/dev/null || true")).trim();
    assert.equal(other, "");
  });
});
