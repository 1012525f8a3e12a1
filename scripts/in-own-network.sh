#!/usr/bin/env bash
# Runs a command in a network namespace of its own, without any way out: in it the lab's pods have their real addresses.
set -euo pipefail

refuse() {
  echo "no network namespace for the lab: $1" >&2
  exit 1
}
command -v unshare >/dev/null || refuse "unshare is missing: install util-linux (Linux only)"
command -v ip >/dev/null || refuse "ip is missing: install iproute2"
options=(--net)
# Who may not do it alone may do it in a user namespace of their own.
unshare "${options[@]}" true 2>/dev/null || options+=(--map-root-user)
said=$(unshare "${options[@]}" true 2>&1) ||
  refuse "$said (are unprivileged user namespaces allowed on this machine, or in this container?)"

exec unshare "${options[@]}" -- bash -c '
  ip link set lo up && ip route add local 10.244.0.0/16 dev lo && exec "$@"
' in-own-network "$@"
