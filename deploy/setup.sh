#!/usr/bin/env bash
# Installs what Shoal needs on Debian or Ubuntu and builds it. May be run again at any time.
#
#   deploy/setup.sh               packages, npm dependencies, build
#   deploy/setup.sh --service     the same, and a systemd service
#   deploy/setup.sh --tests       the same, and what only tests on a lab want: clocks that can be set (libfaketime)
#   deploy/setup.sh --uninstall   takes back what it did, with all that the service's engine made but its data root
#   deploy/setup.sh --purge       that too
#
# On another system it says what is missing and changes nothing.
set -euo pipefail
cd "$(dirname "$0")/.."

packages=(conmon crun runc iproute2 iptables nftables libnftables1 libseccomp2 conntrack busybox-static tini zstd procps util-linux perl-base)
programs=(conmon crun runc ip iptables nft conntrack busybox tini-static zstd nsenter perl)
# Every package that was not there before, one a line.
record=${SHOAL_SETUP_RECORD:-/var/lib/shoal-setup}
labs=${SHOAL_LAB_ROOT:-/var/lib/shoal-lab}
units=${SHOAL_UNIT_DIRECTORY:-/etc/systemd/system}
libraries=${SHOAL_SETUP_LIBRARIES:-/usr/lib}
systemd=${SHOAL_SYSTEMD_RUN:-/run/systemd/system}

missing_programs() {
  local program
  for program in "${programs[@]}"; do
    PATH=$PATH:${SHOAL_SETUP_SYSTEM_PATH:-/usr/sbin:/sbin} command -v "$program" >/dev/null || echo "$program"
  done
  ls /usr/lib/*/libnftables.so.1 >/dev/null 2>&1 || echo libnftables.so.1
  ls /usr/lib/*/libseccomp.so.2 >/dev/null 2>&1 || echo libseccomp.so.2
}

fail() { echo "setup: $*" >&2; exit 1; }

check_node() {
  command -v node >/dev/null || fail "Node.js 20.19 or newer is needed: install it first"
  node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' ||
    fail "Node.js 20.19 or newer is needed, this is $(node --version)"
  command -v npm >/dev/null || fail "npm is needed: install it first"
}

installed_packages() { dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' | sed -n 's/^.i. *//p' | sort -u; }

install_packages() {
  local missing
  missing=$(missing_programs)
  [[ -n $missing ]] || return 0
  command -v apt-get >/dev/null || fail "this is neither Debian nor Ubuntu; install these first:" $missing
  [[ $(id -u) == 0 ]] || fail "run it as root: it has to install" $missing
  install_and_record "${packages[@]}"
}

install_and_record() {
  local before status=0
  before=$(installed_packages)
  apt-get update -qq || return
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-upgrade --no-install-recommends -o DPkg::Lock::Timeout=120 "$@" >/dev/null || status=$?
  mkdir -p "$record"
  comm -13 <(echo "$before") <(installed_packages) >>"$record/packages"
  return $status
}

# Tests can do without, and say what they leave out.
install_test_packages() {
  ! ls "$libraries"/*/faketime/libfaketime.so.1 >/dev/null 2>&1 || return 0
  { command -v apt-get && [[ $(id -u) == 0 ]] && install_and_record libfaketime; } >/dev/null ||
    echo "setup: libfaketime cannot be installed: tests leave out what needs it" >&2
}

# npm writes this file last: with a lockfile no newer than it, what is installed is what the lockfile says.
install_dependencies() {
  if [[ ! -f node_modules/.package-lock.json || package-lock.json -nt node_modules/.package-lock.json ]]; then
    npm ci --no-audit --no-fund --no-update-notifier --loglevel=error
  fi
}

install_service() {
  [[ -d $systemd ]] || fail "systemd does not run here; start bin/shoald by hand"
  local unit group=shoal
  # Whoever is in this group may use the engine, and is root on this host by that.
  if ! getent group "$group" >/dev/null; then
    groupadd --system "$group"
    mkdir -p "$record"
    echo "$group" >"$record/group"
  fi
  for unit in shoald.socket shoald.service; do
    sed "s|@ROOT@|$PWD|g; s|@NODE@|$(command -v node)|g; s|@GROUP@|$group|g" "deploy/$unit" >"$units/$unit"
  done
  systemctl daemon-reload
  systemctl enable --now shoald.socket shoald.service
}

# Only packages on record, and of those only what nothing else has come to need since.
remove_packages() {
  local recorded removable apt=(apt-get -qq -o APT::AutoRemove::RecommendsImportant=false -o APT::AutoRemove::SuggestsImportant=false)
  recorded=$(sort -u "$record/packages" | comm -12 - <(installed_packages))
  if [[ -n $recorded ]]; then
    apt-mark auto $recorded >/dev/null
    removable=$("${apt[@]}" --simulate autoremove | awk '$1 == "Remv" { print $2 }' | sort -u | comm -12 - <(echo "$recorded"))
    [[ -z $removable ]] ||
      DEBIAN_FRONTEND=noninteractive "${apt[@]}" -y -o DPkg::Lock::Timeout=120 purge $removable >/dev/null
  fi
}

uninstall() {
  [[ -z $(ls -A "$labs" 2>/dev/null) ]] || fail "a lab is up ($(echo $(ls "$labs"))): take it down first, bin/lab down --name NAME"
  if [[ -f $units/shoald.service || -d $record ]]; then
    [[ $(id -u) == 0 ]] || fail "run it as root: it has to remove packages or the service"
  fi
  if [[ -f $units/shoald.service ]]; then
    deploy/remove-engine.sh "$@" # Nothing is taken away while its containers run.
    systemctl disable shoald.socket shoald.service || true
    rm -f "$units/shoald.socket" "$units/shoald.service"
    systemctl daemon-reload || true
  fi
  rm -rf node_modules dist .try
  [[ ! -f $record/packages ]] || remove_packages
  [[ ! -f $record/group ]] || groupdel "$(cat "$record/group")"
  rm -rf "$record"
  echo "setup: removed."
  [[ ! -d /var/lib/shoal ]] || echo "Images and volumes are in /var/lib/shoal; delete it if you no longer want them."
}

case ${1:-} in
  --uninstall) uninstall; exit ;;
  --purge) uninstall --purge; exit ;;
  '' | --service | --tests) ;;
  *) sed -n '2,10s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac
check_node
install_packages
[[ ${1:-} != --tests ]] || install_test_packages
install_dependencies
npm run --silent build
[[ ${1:-} != --service ]] || install_service
