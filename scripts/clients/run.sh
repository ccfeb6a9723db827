#!/usr/bin/env bash
# Runs what other people's clients do on a real Docker Engine and on ours: what passes there passes here, or this fails.
# Needs docker-compose 1.29 and python3-docker of Debian. With SHOAL_CLIENT_SOURCES, a folder with the checkouts `dockerode` and
# `testcontainers-node` (their tests are in no package; `npm install` was run in each), runs those suites as well. Ends within minutes.
set -uo pipefail
cd "$(dirname "$0")/../.."
[[ $(id -u) == 0 ]] || { echo "run it as root: sudo npm run clients" >&2; exit 1; }
work=$(mktemp -d)
suffix=$(od -An -N2 -tx1 /dev/urandom | tr -d ' ')
lab=c$suffix peer=c$suffix
sources=${SHOAL_CLIENT_SOURCES:-}
trap 'bash test/oracle/real-docker.sh down $peer >/dev/null 2>&1; node bin/lab down --name $lab >/dev/null; rm -rf "$work"' EXIT

compose2=$(bash test/oracle/real-docker.sh compose) || exit 1
real=unix://$(bash test/oracle/real-docker.sh up $peer) || exit 1
node bin/lab up --name $lab --managers 1 --workers 0 --empty >/dev/null || exit 1
ours=$(node bin/lab host --name $lab m1)
bash scripts/clients/images.sh "$work/images" ${sources:+"$sources/testcontainers-node"} || exit 1

path='ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
for host in "$real" "$ours"; do
  export DOCKER_HOST=$host
  docker import -c 'CMD ["sh"]' -c "$path" "$work/images/busybox.tar" busybox:latest
  docker import -c 'CMD ["sh"]' -c "$path" "$work/images/busybox.tar" alpine:latest
  docker import -c 'CMD ["/bin/bash"]' -c "$path" "$work/images/ubuntu.tar" ubuntu:latest
  [[ -z $sources ]] || docker import -c 'ENTRYPOINT ["/usr/bin/dumb-init","--"]' -c 'CMD ["node","index.js"]' -c 'EXPOSE 8080' -c "$path" \
    "$work/images/testcontainer.tar" cristianrgreco/testcontainer:1.1.14
  [[ -z $sources ]] || docker import -c 'CMD ["node","/udp.js"]' -c 'EXPOSE 5005/udp' -c "$path" "$work/images/testcontainer.tar" mendhak/udp-listener:latest
done >/dev/null

# A reporter's JSON to lines; both suites' reporters are known.
lines() {
  node -e '
    const report = JSON.parse(require("fs").readFileSync(process.argv[1], "utf8"));
    const one = (isGood, name) => console.log(`${isGood ? "ok" : "not ok"} ${name.replaceAll("\n", " ")}`);
    for (const { fullTitle } of report.passes ?? []) one(true, fullTitle);
    for (const { fullTitle } of report.failures ?? []) one(false, fullTitle);
    for (const { name, assertionResults } of report.testResults ?? [])
      for (const { fullName, status } of assertionResults) if (status !== "skipped") one(status === "passed", `${name.split("/").pop()}: ${fullName}`);
  ' "$1"
}
dockerode() {
  local script="mount --make-rprivate /; mount -t tmpfs tmpfs /run; ln -s ${DOCKER_HOST#unix://} /run/docker.sock
    cd '$sources/dockerode'; node_modules/.bin/mocha -R json --reporter-option output=$work/report.json --exit test/{container,docker,image,networks,promises,util}.js"
  (unset DOCKER_HOST; unshare --mount bash -c "$script" >/dev/null 2>&1)
  lines "$work/report.json"
}
testcontainers() {
  local tests=packages/testcontainers/src
  (cd "$sources/testcontainers-node" && PATH=${SHOAL_CLIENT_NODE:+$(dirname "$SHOAL_CLIENT_NODE"):}$PATH TESTCONTAINERS_RYUK_DISABLED=true DEBUG='' \
    node_modules/.bin/vitest run --reporter=json --outputFile="$work/report.json" --maxWorkers=2 --testTimeout=60000 \
    $tests/generic-container $tests/network $tests/wait-strategies >/dev/null 2>&1)
  lines "$work/report.json"
}
python() { /usr/bin/python3 scripts/clients/python_docker.py; }
compose1() { bash scripts/clients/compose.sh docker-compose; }
compose2() { bash scripts/clients/compose.sh "$compose2"; }

export sources work compose2
export -f lines dockerode testcontainers python compose1 compose2
status=0
echo "| suite | real engine | ours | passes there, not here |"
echo "|---|---|---|---|"
for suite in ${sources:+dockerode testcontainers} python compose1 compose2; do
  rm -f "$work/report.json"
  DOCKER_HOST=$real nsenter --net=/run/netns/oracle-$peer bash -c "$suite" >"$work/real" 2>&1
  rm -f "$work/report.json"
  DOCKER_HOST=$ours nsenter --net=/run/netns/shoal-$lab-m1 bash -c "$suite" >"$work/ours" 2>&1
  sort -u "$work/real" | grep '^ok ' >"$work/passed-real"
  sort -u "$work/ours" | grep '^ok ' >"$work/passed-ours"
  # What the guide lists as not there yet: building, and archives of images as they were before 2016.
  worse=$(comm -23 "$work/passed-real" "$work/passed-ours" | grep -viE 'build|target stage|loadImage' || true)
  [[ -s $work/passed-real ]] || { worse="it did not run"; cat "$work/real" >&2; }
  [[ -z $worse ]] || { status=1; grep -A8 '^not ok' "$work/ours" >&2; }
  echo "| $suite | $(wc -l <"$work/passed-real") | $(wc -l <"$work/passed-ours") | $(paste -sd ';' <<<"$worse") |"
done
exit $status
