/** A container: flags of `docker run`, and a program whose output and exit code tell what they did. */
export interface BundleCase {
  /** `{folder}`: a folder of the host with a file in it; `{n}`: a number of the case's own. */
  readonly flags: string;
  readonly program: readonly string[];
}

const sh = (script: string): readonly string[] => ["sh", "-c", script];

export const CASES: readonly BundleCase[] = [
  // The process.
  { flags: "", program: ["echo", "plain"] },
  { flags: "", program: sh("echo out; echo err >&2; exit 3") },
  { flags: "", program: sh("kill -9 $$") },
  { flags: "--user 1000:1001", program: ["id"] },
  { flags: "--user nobody", program: ["id"] },
  { flags: "--user 5:6 --group-add 77", program: ["id"] },
  { flags: "--workdir /made/here", program: ["pwd"] },
  { flags: "--entrypoint echo", program: ["with", "arguments"] },
  { flags: "--env A=1 --env B=two", program: ["env"] },
  { flags: "--hostname given", program: sh("hostname; cat /etc/hostname") },
  { flags: "--domainname example.org", program: ["cat", "/proc/sys/kernel/domainname"] },
  { flags: "--tty", program: sh("test -t 0 && test -t 1 && echo terminal; tty") },
  { flags: "--init", program: ["cat", "/proc/1/comm"] },
  { flags: "--annotation a=b --label c=d", program: ["true"] },
  // What it may do.
  { flags: "", program: ["grep", "-E", "^(Cap|NoNewPrivs|Seccomp:)", "/proc/self/status"] },
  { flags: "--cap-drop ALL", program: ["grep", "Cap", "/proc/self/status"] },
  { flags: "--cap-add NET_ADMIN --cap-add SYS_TIME", program: ["grep", "Cap", "/proc/self/status"] },
  { flags: "--cap-drop ALL --cap-add CHOWN --user 5", program: ["grep", "Cap", "/proc/self/status"] },
  { flags: "--privileged", program: sh("grep -E 'Cap|Seccomp:' /proc/self/status; test -w /sys && echo writable") },
  { flags: "--security-opt no-new-privileges", program: ["grep", "NoNewPrivs", "/proc/self/status"] },
  { flags: "--security-opt seccomp=unconfined", program: ["grep", "Seccomp:", "/proc/self/status"] },
  { flags: "", program: sh("unshare -U true; echo $?") },
  { flags: "--security-opt systempaths=unconfined", program: ["grep", "-c", "- proc proc", "/proc/self/mountinfo"] },
  { flags: "--device /dev/zero:/dev/given:r", program: sh("head -c 4 /dev/given | wc -c; ls -l /dev/given") },
  {
    flags: "--device-cgroup-rule 'c 1:11 r'",
    program: sh("[ -e /tmp/kmsg ] || mknod /tmp/kmsg c 1 11; head -c 0 /tmp/kmsg; echo $?"),
  },
  // Files.
  { flags: "--read-only", program: sh("touch /x; echo $?") },
  { flags: "--volume {folder}:/data", program: ["cat", "/data/file"] },
  { flags: "--volume {folder}:/data:ro", program: sh("touch /data/x; echo $?") },
  { flags: "--volume shared:/data", program: sh("cat /data/sub/file; ls -ln /data/sub") },
  { flags: "--volume /etc", program: ["cat", "/etc/passwd"] },
  { flags: "--mount type=volume,src=shared,dst=/data,volume-subpath=sub,readonly", program: sh("cat /data/file; touch /data/x") },
  { flags: "--mount type=image,src=busybox,dst=/image", program: sh("cat /image/etc/group; touch /image/x") },
  { flags: "--mount type=bind,src={folder},dst=/data,bind-propagation=rslave", program: ["cat", "/data/file"] },
  {
    flags: "--mount type=bind,src={folder},dst=/data,readonly,bind-propagation=rprivate,bind-recursive=readonly",
    program: sh("touch /data/x; echo $?"),
  },
  { flags: "--tmpfs /t:size=1m,mode=1770", program: sh("df -k /t | tail -n 1; stat -c %a /t") },
  { flags: "--mount type=tmpfs,dst=/t,tmpfs-size=2m", program: sh("df -k /t | tail -n 1") },
  { flags: "--shm-size 8m", program: sh("df -k /dev/shm | tail -n 1") },
  { flags: "--ipc shareable --shm-size 4m", program: sh("df -k /dev/shm | tail -n 1") },
  { flags: "--add-host given:192.0.2.1", program: ["cat", "/etc/hosts"] },
  {
    flags: "--dns 192.0.2.53 --dns-search given.example --dns-option ndots:3",
    program: ["grep", "-v", "^#", "/etc/resolv.conf"],
  },
  // Limits.
  {
    flags: "--memory 64m --memory-reservation 32m",
    program: sh("cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max"),
  },
  {
    flags: "--cpus 0.5 --cpu-shares 512",
    program: sh("cat /sys/fs/cgroup/cpu/cpu.shares /sys/fs/cgroup/cpu/cpu.cfs_quota_us /sys/fs/cgroup/cpu.max"),
  },
  { flags: "--cpuset-cpus 0", program: ["grep", "Cpus_allowed_list", "/proc/self/status"] },
  { flags: "--pids-limit 50", program: sh("cat /sys/fs/cgroup/pids/pids.max /sys/fs/cgroup/pids.max") },
  { flags: "--ulimit nofile=100:200 --ulimit core=0", program: sh("ulimit -n; ulimit -H -n; ulimit -c") },
  { flags: "--oom-score-adj 500", program: ["cat", "/proc/self/oom_score_adj"] },
  { flags: "--sysctl kernel.msgmax=4096", program: ["cat", "/proc/sys/kernel/msgmax"] },
  { flags: "--sysctl net.ipv4.ip_forward=0", program: ["cat", "/proc/sys/net/ipv4/ip_forward"] },
  // Namespaces.
  { flags: "--network none", program: ["cat", "/proc/net/route"] },
  { flags: "--network host", program: sh("readlink /proc/self/ns/net; cat /etc/hosts") },
  { flags: "--pid host", program: sh("readlink /proc/self/ns/pid") },
  { flags: "--ipc host", program: sh("readlink /proc/self/ns/ipc") },
  { flags: "--uts host", program: ["hostname"] },
  { flags: "--cgroupns private", program: sh("head -n 1 /proc/self/cgroup | sed 's/.*://'") },
];
