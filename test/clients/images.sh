#!/usr/bin/env bash
# Makes an image that a client's suite names, as a tar in a folder: from this system's own programs, for no hub is asked.
#   images.sh FOLDER busybox|ubuntu|hello|testcontainer|udp-listener [FOLDER_OF_CHECKOUTS]
set -euo pipefail
out=$1 kind=$2 sources=${3:-}
[[ ! -f $out/$kind.tar ]] || exit 0
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT

# Programs with the libraries that they load.
copy_programs() {
  local program file
  for program in "$@"; do
    program=$(command -v "$program")
    for file in "$program" $(ldd "$program" 2>/dev/null | grep -o '/[^ ]*' || true); do
      mkdir -p "$root$(dirname "$file")"
      cp -L "$file" "$root$file"
    done
  done
}

base() {
  local applet
  mkdir -p "$root"/{bin,etc,tmp,root,proc,sys,dev,usr/bin,usr/sbin,usr/local/bin,var/log,var/opt,home,run}
  chmod 1777 "$root/tmp"
  cp /usr/bin/busybox "$root/bin/"
  for applet in $(/usr/bin/busybox --list); do [[ -e $root/bin/$applet ]] || ln -s busybox "$root/bin/$applet"; done
  ln -sf ../../bin/env "$root/usr/bin/env"
  printf 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\npostgres:x:70:70::/:/bin/sh\nnode:x:1000:1000::/home:/bin/sh\n' >"$root/etc/passwd"
  printf 'root:x:0:\nnogroup:x:65534:\npostgres:x:70:\nnode:x:1000:\n' >"$root/etc/group"
}

# A node where its own image has it.
node_program() {
  local node
  node=$(command -v node)
  copy_programs "$node"
  mv "$root$node" "$root/usr/local/bin/node"
}

testcontainer() {
  node_program
  copy_programs curl openssl getent
  echo "hosts: files dns" >"$root/etc/nsswitch.conf"
  ln -s ../../bin/busybox "$root/usr/bin/wget"
  [[ ! -x /usr/sbin/getpcaps ]] || PATH=$PATH:/usr/sbin copy_programs getpcaps
  cp "$(command -v tini-static)" "$root/usr/bin/dumb-init"
  mkdir -p "$root"/etc/ssl/{private,certs}
  openssl req -x509 -nodes -days 3650 -subj /CN=localhost -newkey rsa:2048 \
    -keyout "$root/etc/ssl/private/cert.key" -out "$root/etc/ssl/certs/cert.crt" 2>/dev/null
  chmod 644 "$root/etc/ssl/private/cert.key"
  cp "$sources/testcontainers-node/packages/testcontainers/fixtures/docker/docker/index.js" "$root/"
  (cd "$root" && npm init -y >/dev/null && npm install --no-audit --no-fund --loglevel=error express@4 >/dev/null)
}

udp_listener() {
  node_program
  cat >"$root/udp.js" <<'JS'
const socket = require("dgram").createSocket("udp4");
socket.on("message", message => console.log(String(message)));
socket.bind(5005, () => console.log("Listening on UDP port 5005"));
JS
}

base
case $kind in
  busybox) ;;
  ubuntu)
    copy_programs bash
    ln -sf ../usr/bin/bash "$root/bin/bash" # Where its system keeps it.
    ;;
  hello)
    printf '#!/bin/sh\necho\necho "Hello from Docker!"\n' >"$root/hello"
    chmod 755 "$root/hello"
    ;;
  testcontainer) testcontainer ;;
  udp-listener) udp_listener ;;
  *) sed -n '2,3s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
mkdir -p "$out"
tar -c --owner=0 --group=0 --mtime=@0 --sort=name -f "$out/$kind.tar.part" -C "$root" .
mv "$out/$kind.tar.part" "$out/$kind.tar"
