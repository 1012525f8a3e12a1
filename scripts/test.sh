#!/usr/bin/env bash
# Every check and every suite, with all the set-up a fresh machine needs. Ends with "N passed, N failed".
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/setup.sh
exec node --import tsx scripts/test.ts "$@"
