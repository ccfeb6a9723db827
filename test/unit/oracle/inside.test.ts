import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { compareOutcomes } from "../../oracle/compare.ts";
import { INSIDE_RULES, insideScript, normalizeInside } from "../../oracle/inside.ts";
import { Normalizer } from "../../oracle/normalize.ts";

const ID = "0123456789ab".padEnd(64, "c");

/** What a container of a real engine prints, shortened. */
const REAL = `## id
uid=0(root) gid=0(root) groups=0(root)
## environment
PATH=/bin
## mounts
111 49 0:39 / / rw,relatime master:2 - overlay overlay rw,lowerdir=/a,upperdir=/b,workdir=/c
112 111 0:42 / /proc rw,nosuid,nodev,noexec,relatime - proc proc rw
117 116 0:29 /docker/${ID} /sys/fs/cgroup/cpu ro,nosuid,nodev,noexec,relatime - cgroup cgroup rw,cpu
127 113 0:48 / /dev/shm rw,nosuid,nodev,noexec,relatime - tmpfs shm rw,size=65536k
54 112 0:42 /sys /proc/sys ro,nosuid,nodev,noexec,relatime - proc proc rw
58 112 0:43 /null /proc/keys rw,nosuid - tmpfs tmpfs rw,size=65536k,mode=755
129 111 254:0 /usr/share /l ro,relatime - ext4 /dev/vda rw
## status
CapEff:\t00000000a80425fb
Seccomp:\t2
## cgroup
8:pids:/docker/${ID}
memory/memory.limit_in_bytes: 67108864
devices/devices.list: c 1:3 rwm
devices/devices.list: c 5:0 rwm
## devices
crw-rw-rw-    1 root     root        1,   3 Nov 27 01:01 null
crw-rw-rw-    1 root     root        1,   5 Nov 27 01:01 zero
## descriptors
/proc/8/fd/0 /dev/null
/proc/8/fd/1 pipe:[494299]
## links
2: eth0@if147: <UP> mtu 1500 qdisc noqueue qlen 1000\\    link/ether 02:42:ac:11:00:02
`;

function differences(ours: string): number {
  const seen = (text: string) => ({ exitCode: 0, stdout: new Normalizer().normalize(normalizeInside(text)), stderr: "" });
  return compareOutcomes("inside", seen(REAL), seen(ours)).length;
}

describe("the view from inside", () => {
  const planted: Readonly<Record<string, readonly [from: string, to: string]>> = {
    "another user": ["uid=0(root)", "uid=1(bin)"],
    "a variable too many": ["PATH=/bin", "PATH=/bin\nSECRET=1"],
    "a mount too many": ["129 111", "128 111 254:0 /etc /host rw,relatime - ext4 /dev/vda rw\n129 111"],
    "a missing mount": ["127 113 0:48 / /dev/shm rw,nosuid,nodev,noexec,relatime - tmpfs shm rw,size=65536k\n", ""],
    "a mount that can be written to": ["/l ro,relatime", "/l rw,relatime"],
    "another source": ["/usr/share /l", "/usr /l"],
    "a mount that spreads": ["/l ro,relatime -", "/l ro,relatime shared:3 -"],
    "another size of shared memory": ["shm rw,size=65536k", "shm rw,size=1024k"],
    "settings of the kernel that can be written to": ["/proc/sys ro", "/proc/sys rw"],
    "proc mounted with devices": ["/proc rw,nosuid,nodev,", "/proc rw,nosuid,"],
    "cgroups that can be written to": ["/sys/fs/cgroup/cpu ro", "/sys/fs/cgroup/cpu rw"],
    "what should be masked": ["58 112 0:43 /null /proc/keys", "58 112 0:42 /keys /proc/keys"],
    "a capability too many": ["a80425fb", "a80425ff"],
    "no filter of system calls": ["Seccomp:\t2", "Seccomp:\t0"],
    "another limit": ["67108864", "67108865"],
    "a device too many": ["c 5:0 rwm", "c 5:0 rwm\ndevices/devices.list: c 10:229 rwm"],
    "a device with another mode": ["crw-rw-rw-    1 root     root        1,   5", "crw-------    1 root     root        1,   5"],
    "a descriptor that leaked": ["/proc/8/fd/1", "/proc/8/fd/7 /etc/shadow\n/proc/8/fd/1"],
    "another size of packets": ["mtu 1500", "mtu 1450"],
    "a network outside of a namespace": [`8:pids:/docker/${ID}`, "8:pids:/"],
  };
  for (const [what, [from, to]] of Object.entries(planted)) {
    it(`finds ${what}`, () => {
      assert.ok(REAL.includes(from), "nothing was planted");
      assert.ok(differences(REAL.replace(from, to)) > 0);
    });
  }

  const lets: Readonly<Record<string, readonly [from: string | RegExp, to: string]>> = {
    "other ids of mounts": [/^1(\d\d) 1/gm, "3$1 3"],
    "other layers": ["lowerdir=/a,upperdir=/b,workdir=/c", "lowerdir=/x,upperdir=/y"],
    "another parent of the cgroup": [/\/docker\//g, "/elsewhere/containers/"],
    "what crun leaves out in /proc": ["/proc/sys ro,nosuid,nodev,noexec,relatime", "/proc/sys ro,relatime"],
    "another null device": [
      "0:43 /null /proc/keys rw,nosuid - tmpfs tmpfs rw,size=65536k",
      "0:6 /null /proc/keys ro - devtmpfs devtmpfs rw",
    ],
    "another order of devices": ["c 1:3 rwm\ndevices/devices.list: c 5:0 rwm", "c 5:0 rwm\ndevices/devices.list: c 1:3 rwm"],
    "a link to a masked file": [
      "crw-rw-rw-    1 root     root        1,   3",
      "lrwxrwxrwx    1 root     root            11 Nov 27 01:01 core -> /proc/kcore\ncrw-rw-rw-    1 root     root        1,   3",
    ],
    "another owner of the input": ["root     root        1,   3 Nov", "1000     1001        1,   3 Nov"],
    "another pipe": ["494299", "17"],
    "another number of an interface": ["2: eth0@if147", "4: eth0@if3"],
    "another queue where nothing is queued": ["noqueue qlen 1000", "noqueue "],
  };
  for (const [what, [from, to]] of Object.entries(lets))
    it(`lets ${what} pass`, () => {
      const ours = REAL.replace(from, to);
      assert.notEqual(ours, REAL, "nothing was changed");
      assert.equal(differences(ours), 0);
    });

  it("has a reason for every rule", () => {
    assert.deepEqual(
      INSIDE_RULES.filter(({ name, because }) => name === "" || because === ""),
      [],
    );
  });

  it("is a script that a shell understands", () => {
    execFileSync("sh", ["-n", "-c", insideScript()]);
    assert.ok(!insideScript(["links"]).includes("## links"));
  });
});
