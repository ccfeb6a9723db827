#!/usr/bin/env bash
# All tests. Installs what they need first; the last line is "N passed, N failed".
set -euo pipefail
cd "$(dirname "$0")/.."
[[ $(id -u) == 0 ]] || { echo "run it as root: sudo npm test" >&2; exit 1; }
bash deploy/setup.sh --tests
exec node scripts/test.mjs "$@"
