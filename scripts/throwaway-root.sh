#!/bin/sh
# Runs a command where nothing that it changes in /, /etc, /usr and the like stays: what breaks out of a container for a test, or
# unpacks where it must not, hurts nobody. Usage: throwaway-root.sh COMMAND [ARGUMENT...]
set -e
if [ "${THROWAWAY_ROOT:-}" != 1 ]; then
  THROWAWAY_ROOT=1 exec unshare --mount -- "$0" "$@"
fi
here=$(pwd)
mount --make-rprivate /
mount -t tmpfs tmpfs /mnt
mkdir /mnt/upper /mnt/work /mnt/root
mount -t overlay overlay -o lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work /mnt/root
# File systems of the kernel, and what tests keep things in: an overlay cannot lie on an overlay.
for folder in /proc /sys /dev /run /var "$here"; do
  mkdir -p "/mnt/root$folder"
  mount --rbind "$folder" "/mnt/root$folder"
done
mount -t tmpfs -o mode=1777 tmpfs /mnt/root/tmp
cd /mnt/root
pivot_root . mnt
umount -l /mnt
cd "$here"
exec "$@"
