#!/bin/bash
# Runs our Raft core beside etcd's, as @coaty/consensus.raft has ported it, on random commands: state by state they must agree.
# Usage: scripts/raft-oracle.sh [--count 1000] [--seed N]
# The package and its 370 dependencies are no part of this project: they go into a folder of their own, without their native parts.
set -eo pipefail
cd "$(dirname "$0")/.."
folder=${XDG_CACHE_HOME:-$HOME/.cache}/shoal/raft-oracle
mkdir -p "$folder"
[ -d "$folder/node_modules/@coaty/consensus.raft" ] ||
  npm install --prefix "$folder" --ignore-scripts --no-audit --no-fund --loglevel=error @coaty/consensus.raft@1.0.0
exec node --import=tsx test/differential/raft/main.ts --folder "$folder" "$@"
