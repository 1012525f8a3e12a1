#!/usr/bin/env bash
# A real canary on a real control plane: a good release promoted, a bad one rolled back, under load.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/setup.sh
exec node --import tsx scripts/demo.ts "$@"
