#!/usr/bin/env bash
# The main job from a fresh checkout: set-up, then the demonstration. The clock of the second part starts after set-up.
set -euo pipefail
cd "$(dirname "$0")/.."
[[ $(id -u) == 0 ]] || { echo "run it as root: sudo npm run try" >&2; exit 1; }
[[ $# == 0 ]] || { echo "try takes no arguments: $*" >&2; exit 2; }
echo "Setting up (packages, npm dependencies, build)"
bash deploy/setup.sh
exec node dist/try.mjs
