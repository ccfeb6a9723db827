#!/bin/sh
# Runs a command where nothing that it changes stays: what breaks out of a container for a test, or unpacks where it must not, hurts nobody.
# It sees this system's files through an overlay that is kept in memory, has its own /run, /tmp, /dev and places for tests' engines, and is
# alone in its namespaces: no process of the machine's has a root that it could reach by /proc, and all that it started ends with it.
# Usage: throwaway-root.sh COMMAND [ARGUMENT...]
set -e
if [ "${THROWAWAY_ROOT:-}" != 1 ]; then
  THROWAWAY_ROOT=1 exec unshare --mount --pid --net --uts --ipc --fork --kill-child --mount-proc -- "$0" "$@"
fi
here=$(pwd)
ip link set lo up
mount --make-rprivate /
mount -t tmpfs tmpfs /mnt
mkdir /mnt/root

# Shows a file system of the disk; what is written goes into memory.
cover() {
  layer=/mnt/layers/$(echo "$1" | tr / _)
  mkdir -p "$layer/upper" "$layer/work"
  mount -t overlay overlay -o "lowerdir=$1,upperdir=$layer/upper,workdir=$layer/work" "/mnt/root$1"
}
cover /
for folder in $(findmnt -rno TARGET -t ext4,xfs,btrfs,overlay | grep -vE '^/($|run/|mnt/|tmp/)'); do [ ! -d "$folder" ] || cover "$folder"; done

# What is the kernel's stays so. Tests' engines keep their layers in folders that are no overlay: one cannot be written on another.
for folder in /proc /sys; do mount --rbind "$folder" "/mnt/root$folder"; done
for folder in /run /tmp /var/tmp /var/lib/shoal-lab "${SHOAL_ORACLE_CACHE:-/var/cache/shoal-oracle}/run"; do
  mkdir -p "/mnt/root$folder"
  mount -t tmpfs -o mode=1777 tmpfs "/mnt/root$folder"
done
: >/mnt/root/var/lib/shoal-lab/.kept # The last lab takes an empty folder away, which cannot be done to this one.
mkdir -p /mnt/root/run/lock /mnt/root/run/netns
mount -t tmpfs -o mode=755,nosuid tmpfs /mnt/root/dev
cp -a --one-file-system /dev/. /mnt/root/dev/
mount --rbind /dev/pts /mnt/root/dev/pts
mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs /mnt/root/dev/shm

cd /mnt/root
pivot_root . mnt
umount -l /mnt
cd "$here"
"$@" # Not in place of this shell, which waits for what is orphaned here.
