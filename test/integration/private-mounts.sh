#!/bin/sh
# Runs a command in a mount namespace of its own: without the v2 cgroup tree that makes a v1 machine "hybrid" (crun refuses that),
# and with an empty /run, so that nothing it leaves there stays. Usage: private-mounts.sh COMMAND [ARGUMENT...]
set -e
if [ "${SHOAL_PRIVATE_MOUNTS:-}" != 1 ]; then
  SHOAL_PRIVATE_MOUNTS=1 exec unshare --mount -- "$0" "$@"
fi
mount --make-rprivate /
if grep -q ' /sys/fs/cgroup/unified ' /proc/self/mountinfo; then umount /sys/fs/cgroup/unified; fi
if [ -d /sys/fs/cgroup/unified ]; then mount -t tmpfs tmpfs /sys/fs/cgroup/unified; fi # What runc makes there goes with it.
mount -t tmpfs tmpfs /run
mkdir -p /run/lock /run/netns
unset SHOAL_PRIVATE_MOUNTS
exec "$@"
