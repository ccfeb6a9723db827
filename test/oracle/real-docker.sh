#!/usr/bin/env bash
# A genuine Docker Engine to compare with, from Debian's own packages (sid's, or trixie's where those do not run), unpacked beside the system
# and started in a network and a mount namespace of its own. The system's packages, firewall and /var/run/docker.sock stay as they are.
#
#   real-docker.sh install      fetch and unpack (once)
#   real-docker.sh up NAME [HOST [SWITCH ADDRESS]]
#                               start an engine, on a host that calls itself HOST, which a cable joins to others on a switch; prints the
#                               path of its socket. `down SWITCH` takes the switch away
#   real-docker.sh restart NAME stop its daemon and start it again, with what NAME's daemon.json says by then; prints the path of its socket
#   real-docker.sh reload NAME  have it read its daemon.json again
#   real-docker.sh down NAME    stop it and remove what it kept
#   real-docker.sh compose      fetch Compose's second generation, too; prints the path of its program
#   real-docker.sh registry     fetch a real registry too (once); prints the path of its program
set -euo pipefail
cache=${SHOAL_ORACLE_CACHE:-/var/cache/shoal-oracle}
root=$cache/root

runs() { "$root/usr/sbin/dockerd" --version >/dev/null 2>&1 && "$root/usr/bin/containerd" --version >/dev/null 2>&1; }

archive() {
  { sed -n 's/^URIs: *//p' /etc/apt/sources.list.d/*.sources; sed -n 's/^deb \(\[[^]]*\] \)\?\([^ ]*\).*/\2/p' /etc/apt/sources.list; } 2>/dev/null | head -n 1
}

unpack_from() {
  local suite=$1 work=$cache/apt deb
  shift
  rm -rf "$work"
  mkdir -p "$root" "$work"/lists/partial "$work"/cache/archives/partial "$work/deb"
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $(archive) $suite main" >"$work/sources.list"
  local options=(-o "Dir::Etc::SourceList=$work/sources.list" -o Dir::Etc::SourceParts=/dev/null -o "Dir::State::Lists=$work/lists"
    -o "Dir::Cache=$work/cache" -o APT::Sandbox::User=root)
  apt-get "${options[@]}" update -qq
  (cd "$work/deb" && apt-get "${options[@]}" download -qq "$@")
  for deb in "$work"/deb/*.deb; do dpkg-deb -x "$deb" "$root"; done
  rm -rf "$work"
}

# One at a time: several engines may come up side by side.
in_turn() (
  mkdir -p "$cache"
  exec 8<"$cache"
  flock 8
  "$@"
)

install() {
  runs && return
  [[ -f /usr/share/keyrings/debian-archive-keyring.gpg ]] || { echo "real-docker: this is not Debian" >&2; exit 3; }
  local suite
  for suite in sid trixie; do
    rm -rf "$root"
    unpack_from "$suite" docker.io docker-cli containerd && runs && return
  done
  rm -rf "$root"
  echo "real-docker: no suite's engine runs on this system" >&2
  exit 3
}

registry() {
  local suite
  for suite in sid trixie; do
    [[ -x $root/usr/bin/docker-registry ]] || unpack_from "$suite" docker-registry || true
  done
  [[ -x $root/usr/bin/docker-registry ]] || { echo "real-docker: no suite has a registry" >&2; exit 3; }
  echo "$root/usr/bin/docker-registry"
}

compose() {
  local program=$root/usr/libexec/docker/cli-plugins/docker-compose suite
  for suite in sid trixie; do
    "$program" version >/dev/null 2>&1 || unpack_from "$suite" docker-compose
  done
  "$program" version >/dev/null && echo "$program"
}

up() {
  local name=$1 home=$cache/run/$1 host=${2:-$1} init
  mkdir -p "$home/cgroups"
  # Debian's engine asks for an init that none of its packages brings.
  init=$(command -v tini-static || command -v tini || true)
  [[ -z $init ]] || ln -sfn "$init" "$root/usr/bin/docker-init"
  ip netns add "oracle-$name"
  ip -n "oracle-$name" link set lo up
  [[ -z ${3:-} ]] || in_turn plug "$name" "$3" "$4"
  # The namespaces outlive the daemon, as a host does.
  cat >"$home/boot.sh" <<S
mount --make-rprivate /
hostname $host
umount /sys/fs/cgroup/unified 2>/dev/null
mount --rbind /sys/fs/cgroup $home/cgroups && mount -t sysfs sysfs /sys && mount --rbind $home/cgroups /sys/fs/cgroup
mount -t tmpfs tmpfs /run && mkdir -p /run/lock /run/netns
: >$home/resolv.conf; resolv=\$(readlink -f /etc/resolv.conf || true)
if [ -e "\$resolv" ]; then mount --bind $home/resolv.conf "\$resolv"; fi
echo daemon:100000:65536 >$home/subordinate-ids # As hosts of a lab have them.
for ids in /etc/subuid /etc/subgid; do if [ -e \$ids ]; then mount --bind $home/subordinate-ids \$ids; fi; done
touch $home/booted
exec sleep infinity
S
  cat >"$home/serve.sh" <<S
export PATH=$root/usr/sbin:$root/usr/bin:\$PATH
exec dockerd --config-file $home/daemon.json --data-root $home/data --exec-root /run/docker --pidfile $home/docker.pid --storage-driver overlay2 --log-level warn
S
  echo "{\"hosts\": [\"unix://$home/docker.sock\"]}" >"$home/daemon.json"
  setsid nsenter --net="/run/netns/oracle-$name" unshare --mount --uts sh "$home/boot.sh" >"$home/log" 2>&1 </dev/null &
  echo $! >"$home/holder.pid"
  local tries
  for tries in $(seq 100); do [[ -e $home/booted ]] && break; sleep 0.1; done
  serve "$name"
}

# Gives NAME's host an address on a switch, which is a namespace of its own.
plug() {
  local name=$1 switch=oracle-$2 address=$3
  if [[ ! -e /run/netns/$switch ]]; then
    ip netns add "$switch"
    ip -n "$switch" link add switch type bridge
    ip -n "$switch" link set switch up
  fi
  ip -n "$switch" link add "$name" type veth peer name eth0 netns "oracle-$name"
  ip -n "$switch" link set "$name" master switch up
  ip -n "oracle-$name" address add "$address/24" dev eth0
  ip -n "oracle-$name" link set eth0 up
}

serve() {
  local name=$1 home=$cache/run/$1 tries
  setsid nsenter --target "$(cat "$home/holder.pid")" --mount --uts --net sh "$home/serve.sh" >>"$home/log" 2>&1 </dev/null &
  for tries in $(seq 200); do
    if [[ -S $home/docker.sock ]] && curl -sf --unix-socket "$home/docker.sock" http://localhost/_ping >/dev/null; then
      echo "$home/docker.sock"
      return
    fi
    sleep 0.1
  done
  tail -n 5 "$home/log" >&2
  exit 1
}

stop() {
  local home=$cache/run/$1 pid tries
  pid=$(cat "$home/docker.pid" 2>/dev/null || true)
  if [[ -n $pid ]] && kill "$pid" 2>/dev/null; then
    for tries in $(seq 200); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
  fi
}

down() {
  local name=$1 home=$cache/run/$1 pid
  stop "$name"
  for pid in $(ip netns pids "oracle-$name" 2>/dev/null || true); do kill -9 $(pgrep -P "$pid" || true) "$pid" 2>/dev/null || true; done
  ip netns delete "oracle-$name" 2>/dev/null || true
  rm -rf "$home"
}

case ${1:-} in
  install) install ;;
  up) runs || in_turn install; up "${@:2}" ;;
  restart) stop "$2"; serve "$2" ;;
  reload) kill -HUP "$(cat "$cache/run/$2/docker.pid")" ;;
  down) down "$2" ;;
  registry) install; registry ;;
  compose) install; compose ;;
  client) echo "$root/usr/bin/docker" ;;
  *) sed -n '2,14s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac
