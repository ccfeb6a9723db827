#!/usr/bin/env bash
# Copies to and from a container in every way with one program, and tells what that said and did: copy.sh PROGRAM CONTAINER
set -u
program=$1 container=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
mkdir -p src/sub out
echo hello >src/a
echo two >src/sub/b
ln -s a src/l
ln -s ../../../etc src/up
ln -s src slink
chmod 640 src/a
touch -d @1000000000 src/a src/sub

# The docker CLI also logs how its own parts ended.
copy() {
  echo "\$ cp $*"
  "$program" cp "$@" 2>&1 | grep -v '^time=' | sed "s#$work#WORK#g"
  echo "= ${PIPESTATUS[0]}"
}
tree() { find . | LC_ALL=C sort | while read -r f; do [ -d "$f" ] && stat -c '%n %F %a %u:%g' "$f" || stat -c '%n %F %a %u:%g %s' "$f"; done; }

copy src/a "$container:/tmp/file"
copy src/a "$container:/tmp/"
copy src "$container:/tmp/made"
copy src "$container:/tmp/made"
copy src/. "$container:/tmp/contents"
copy slink "$container:/tmp/link"
copy -L slink "$container:/tmp/followed"
copy slink/ "$container:/tmp/slashed"
copy nothing "$container:/tmp"
copy src/a/ "$container:/tmp"
copy src/a "$container:/nothing/there"
copy src/a "$container:/tmp/new/"
copy src "$container:/tmp/file"
copy -a src/a "$container:/tmp/owned"
copy src/a nope:/x
copy src/a other
copy "$container:/a" "$container:/b"
copy "" "$container:/x"
copy src/a "$container:"
"$program" exec "$container" sh -c "cd /tmp; $(declare -f tree); tree; stat -c %Y file" | sed 's/^local//'

"$program" exec "$container" sh -c 'mkdir -p /d/e; echo x >/d/x; echo y >/d/e/y; ln /d/x /d/hard; ln -s x /d/link; ln -s /d /dlink
  chmod 750 /d/e; touch -d @1000000000 /d/e /d/x'
copy "$container:/d/x" out/x
copy "$container:/d/x" out
copy "$container:/d" out/d1
copy "$container:/d" out/d1
copy "$container:/d/." out/d2
copy "$container:/dlink" out/link
copy -L "$container:/dlink" out/followed
copy -L "$container:/d/link" out/file
copy "$container:/nothing" out
copy "$container:/d" out/x
copy "$container:/d/x" nowhere/there
copy "$container:/d/x" out/new/
copy nope:/x out
copy "$container:d/x" ./with:colon
cd out && tree
stat -c '%n %Y' x d2/e d1/e
readlink link
cat x d1/x d1/d/e/y ../with:colon
