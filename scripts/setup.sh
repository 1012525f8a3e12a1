# Sourced by the two commands: checks what must be there, installs the packages once.
need() {
  command -v "$1" >/dev/null 2>&1 || { echo "$1 is missing: install $2 and run this again" >&2; exit 1; }
}
need node "Node.js 20.19 or later (nodejs.org)"
need npm "npm (comes with Node.js)"
need go "Go 1.26 or later (go.dev/dl)"
need python3 "Python 3 with pip"

node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' ||
  { echo "Node.js $(node --version) is too old: install 20.19 or later" >&2; exit 1; }

# npm writes this file at the end of an install: older than the lock file, it is not of these packages.
if [ ! -e node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
  echo "installing npm packages …" >&2
  npm ci --no-audit --no-fund --loglevel=error >&2
fi
