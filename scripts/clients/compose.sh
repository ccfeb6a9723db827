#!/usr/bin/env bash
# What a user does with a project of three services, by the compose program that is given. Says "ok NAME" or "not ok NAME".
# Uses DOCKER_HOST. Usage: compose.sh COMPOSE...
set -uo pipefail
compose=("$@")
project=$(mktemp -d)
cd "$project" || exit 1
trap '"${compose[@]}" down -v -t 0 >/dev/null 2>&1; rm -rf "$project"' EXIT
export COMPOSE_PROJECT_NAME=clients
cat >docker-compose.yml <<'Y'
version: "3.4"
services:
  web:
    image: busybox
    command: sh -c 'mkdir -p /w && echo served >/w/index.html && echo web is up && exec httpd -f -p 80 -h /w'
    ports: ["8099:80"]
    healthcheck: {test: ["CMD", "wget", "-q", "-O", "/dev/null", "http://127.0.0.1/"], interval: 1s, retries: 20}
    networks: [front]
    stop_grace_period: 0s
  worker:
    image: busybox
    command: sh -c 'while :; do echo working; sleep 1; done'
    environment: {TASK: dig}
    depends_on: [web]
    networks: [front, back]
    stop_grace_period: 0s
  store:
    image: busybox
    command: sleep 1000
    volumes: ["data:/data"]
    networks: {back: {aliases: [db]}}
    labels: {part: store}
    stop_grace_period: 0s
networks: {front: {}, back: {internal: true}}
volumes: {data: {}}
Y

check() {
  local name=$1 output
  shift
  if output=$("$@" 2>&1); then echo "ok $name"; else
    echo "not ok $name"
    sed 's/^/# /' <<<"$output"
  fi
}
count() { [[ $("${compose[@]}" ps -q "$1" | wc -l) == "$2" ]]; }
until_so() { local tries; for tries in $(seq 50); do "$@" >/dev/null 2>&1 && return; sleep 0.2; done; "$@"; }
has() { "${@:2}" 2>&1 | grep -- "$1" >/dev/null; } # Not -q: the program would be cut off.
nothing_left() { local kind; for kind in "ps -aq" "network ls -q" "volume ls -q"; do
  [[ -z $(docker $kind --filter label=com.docker.compose.project=clients) ]] || return 1; done; }

check "config" "${compose[@]}" config -q
check "up" "${compose[@]}" up -d
check "ps" has 'clients.web.1 .*8099' "${compose[@]}" ps
check "one of each" eval 'count web 1 && count worker 1 && count store 1'
check "a published port" until_so has served busybox wget -q -O - http://127.0.0.1:8099/
check "a service is healthy" until_so has healthy docker ps --filter name=clients.web
check "logs" until_so has 'web is up' "${compose[@]}" logs web
check "logs of all, the last line" has working "${compose[@]}" logs --tail 1
check "exec, a service by its name" has served "${compose[@]}" exec -T worker wget -q -O - http://web/
check "an alias" has 'bytes from' "${compose[@]}" exec -T worker ping -c 1 db
check "environment" has 'TASK=dig' "${compose[@]}" exec -T worker env
check "run once" has 'once' "${compose[@]}" run --rm -T store echo once
check "scale up" "${compose[@]}" up -d --scale worker=3
check "three of it" count worker 3
check "scale down" "${compose[@]}" up -d --scale worker=1
check "one of it" count worker 1
check "data stays when a service is made anew" eval '"${compose[@]}" exec -T store sh -c "echo kept >/data/f" && "${compose[@]}" up -d --force-recreate store && has kept "${compose[@]}" exec -T store cat /data/f'
check "restart" "${compose[@]}" restart -t 0 web
check "pause and unpause" eval '"${compose[@]}" pause worker && "${compose[@]}" unpause worker'
check "top" has sleep "${compose[@]}" top store
check "stop and start" eval '"${compose[@]}" stop -t 0 store && "${compose[@]}" start store && count store 1'
check "kill" "${compose[@]}" kill worker
check "events and images" has busybox "${compose[@]}" images
check "rm" "${compose[@]}" rm -f worker
check "down with volumes" "${compose[@]}" down -v -t 0
check "nothing is left" nothing_left
