#!/usr/bin/env bash
# Takes an engine off this host: its containers, networks, firewall rules, namespaces, cgroups and what it keeps in memory.
#
#   deploy/remove-engine.sh            keeps the data root: images, volumes, the swarm's state
#   deploy/remove-engine.sh --purge    deletes that too
#
# Containers are removed through the daemon, so it has to run; where no container was left, it need not. It is stopped on the way.
set -euo pipefail
shoal=$(cd "$(dirname "$0")/.." && pwd)/bin/shoal
data_root=${SHOAL_DATA_ROOT:-/var/lib/shoal}
exec_root=${SHOAL_EXEC_ROOT:-/run/shoal}
socket=${SHOAL_SOCKET:-$exec_root/shoal.sock}
cgroup=${SHOAL_CGROUP:-shoal}
pid_file=${SHOAL_PID_FILE:-$exec_root/shoald.pid}
export DOCKER_HOST=unix://$socket

fail() { echo "remove-engine: $*" >&2; exit 1; }

remove_objects() {
  local ids
  if ! "$shoal" version >/dev/null 2>&1; then
    [[ -z $(ls -A "$exec_root/containers" 2>/dev/null) ]] || fail "containers may be running, and the daemon does not answer on $socket: start it first"
    return 0
  fi
  "$shoal" swarm leave --force >/dev/null 2>&1 || true # Most hosts are in none.
  ids=$("$shoal" ps --all --quiet --no-trunc)
  [[ -z $ids ]] || "$shoal" rm --force $ids >/dev/null
  "$shoal" network prune --force >/dev/null
}

stop_daemon() {
  local pid tries
  ! [[ -d /run/systemd/system && -f /etc/systemd/system/shoald.service ]] || systemctl stop shoald.socket shoald.service
  pid=$(cat "$pid_file" 2>/dev/null || true)
  [[ -n $pid ]] || return 0
  grep -qa shoald "/proc/$pid/cmdline" 2>/dev/null || return 0
  kill "$pid"
  for tries in $(seq 600); do kill -0 "$pid" 2>/dev/null || return 0; sleep 0.1; done
  fail "the daemon, process $pid, does not end"
}

# Jumps first: a chain that something leads to cannot go. DOCKER-USER is the user's once something is in it.
remove_rules() {
  local iptables=$1 table saved rule chain
  for table in raw nat filter; do
    saved=$("$iptables" -t "$table" -S)
    while read -r rule; do
      [[ -z $rule ]] || "$iptables" -t "$table" -D ${rule#-A }
    done < <(grep -E -- '^-A (PREROUTING|OUTPUT|POSTROUTING|FORWARD) .*-j (DOCKER|DOCKER-FORWARD|SHOAL-POSTROUTING|SHOAL-RAW)$' <<<"$saved")
    for chain in $(sed -n 's/^-N \(DOCKER\|DOCKER-FORWARD\|DOCKER-INGRESS\|DOCKER-ISOLATION-STAGE-[12]\|SHOAL-[A-Z]*\)$/\1/p' <<<"$saved"); do
      "$iptables" -t "$table" -F "$chain"
    done
    for chain in $(sed -n 's/^-N \(DOCKER\|DOCKER-FORWARD\|DOCKER-INGRESS\|DOCKER-ISOLATION-STAGE-[12]\|SHOAL-[A-Z]*\)$/\1/p' <<<"$saved"); do
      "$iptables" -t "$table" -X "$chain"
    done
  done
  if "$iptables" -S DOCKER-USER >/dev/null 2>&1 && [[ -z $("$iptables" -S DOCKER-USER | grep -v '^-N' || true) ]]; then
    "$iptables" -D FORWARD -j DOCKER-USER
    "$iptables" -X DOCKER-USER
  fi
}

# Only where the engine made one of this host.
stop_routing() {
  if [[ -f $exec_root/forwarding ]]; then
    iptables -P FORWARD ACCEPT
    echo 0 >/proc/sys/net/ipv4/ip_forward
  fi
  if [[ -f $exec_root/forwarding-ipv6 ]]; then
    ip6tables -P FORWARD ACCEPT
    echo 0 >/proc/sys/net/ipv6/conf/all/forwarding
  fi
}

remove_devices() {
  local name path
  for name in docker0 docker_gwbridge; do
    ! ip link show "$name" >/dev/null 2>&1 || ip link delete "$name"
  done
  while read -r path; do umount --lazy "$path"; done < <(awk -v root="$exec_root/" 'index($5, root) == 1 { print $5 }' /proc/self/mountinfo | sort --reverse)
  rm -rf "$exec_root"
}

remove_cgroups() {
  local root
  for root in /sys/fs/cgroup /sys/fs/cgroup/*/; do
    [[ -d ${root%/}/$cgroup && $(stat --file-system --format %T "$root") == cgroup* ]] || continue
    find "${root%/}/$cgroup" -depth -type d -exec rmdir {} +
  done
}

[[ $(id -u) == 0 ]] || fail "run it as root"
case ${1:-} in '' | --purge) ;; *) sed -n '2,7s/^# \{0,1\}//p' "$0"; exit 2 ;; esac
remove_objects
stop_daemon
remove_rules iptables
[[ ! -e /proc/net/if_inet6 ]] || remove_rules ip6tables
stop_routing
remove_devices
remove_cgroups
[[ ${1:-} != --purge ]] || rm -rf "$data_root"
