#!/usr/bin/env bash
# Makes, as tars in a folder, the images that the clients' suites name: from this system's own programs, for no hub is asked.
#   images.sh FOLDER [TESTCONTAINERS_CHECKOUT]
set -euo pipefail
out=$1 checkout=${2:-}
mkdir -p "$out"
out=$(cd "$out" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Programs with the libraries that they load.
copy_programs() {
  local root=$1 program file
  shift
  for program in "$@"; do
    program=$(command -v "$program")
    for file in "$program" $(ldd "$program" 2>/dev/null | grep -o '/[^ ]*' || true); do
      mkdir -p "$root$(dirname "$file")"
      cp -L "$file" "$root$file"
    done
  done
}

base() {
  local root=$1 applet
  mkdir -p "$root"/{bin,etc,tmp,root,proc,sys,dev,usr/bin,usr/sbin,var,home,run}
  chmod 1777 "$root/tmp"
  cp /usr/bin/busybox "$root/bin/"
  for applet in $(/usr/bin/busybox --list); do [[ -e $root/bin/$applet ]] || ln -s busybox "$root/bin/$applet"; done
  ln -sf ../../bin/env "$root/usr/bin/env"
  printf 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\nnode:x:1000:1000::/home:/bin/sh\n' >"$root/etc/passwd"
  printf 'root:x:0:\nnogroup:x:65534:\nnode:x:1000:\n' >"$root/etc/group"
}

pack() { tar -c --owner=0 --group=0 --mtime=@0 --sort=name -f "$out/$2.tar" -C "$1" .; }

[[ -f $out/busybox.tar ]] || { base "$work/busybox"; pack "$work/busybox" busybox; }
[[ -f $out/ubuntu.tar ]] || {
  base "$work/ubuntu"
  copy_programs "$work/ubuntu" bash
  ln -sf ../usr/bin/bash "$work/ubuntu/bin/bash" # Where its system keeps it.
  pack "$work/ubuntu" ubuntu
}
if [[ -n $checkout && ! -f $out/testcontainer.tar ]]; then
  root=$work/testcontainer
  base "$root"
  copy_programs "$root" "${SHOAL_IMAGE_NODE:-node}" curl openssl
  node=$(command -v "${SHOAL_IMAGE_NODE:-node}")
  [[ -e $root/usr/bin/node ]] || ln -sf "$node" "$root/usr/bin/node"
  cp "$(command -v tini-static)" "$root/usr/bin/dumb-init"
  mkdir -p "$root"/etc/ssl/{private,certs}
  openssl req -x509 -nodes -days 3650 -subj /CN=localhost -newkey rsa:2048 \
    -keyout "$root/etc/ssl/private/cert.key" -out "$root/etc/ssl/certs/cert.crt" 2>/dev/null
  chmod 644 "$root/etc/ssl/private/cert.key"
  cp "$checkout/packages/testcontainers/fixtures/docker/docker/index.js" "$root/"
  (cd "$root" && npm init -y >/dev/null && npm install --no-audit --no-fund --loglevel=error express@4 >/dev/null)
  cat >"$root/udp.js" <<'JS'
const socket = require("dgram").createSocket("udp4");
socket.on("message", message => console.log(String(message)));
socket.bind(5005, () => console.log("Listening on UDP port 5005"));
JS
  pack "$root" testcontainer
fi
