#!/bin/sh
# Makes site/node_modules with exactly what package-lock.json names: Mermaid, for diagrams. npm comes with
# the Python packages. Does nothing if that is already done.
set -eu

cd "$(dirname "$0")"
done_mark=node_modules/.installed # a copy of the lock file that was installed
PATH="$(cd ../.venv/bin && pwd):$PATH"
export PATH

if ! cmp -s package-lock.json "$done_mark"; then
    if ! output=$(npm ci --ignore-scripts 2>&1); then
        echo "$output" | tail -n 15 >&2
        echo "site: npm could not install its packages (above): is its registry within reach?" >&2
        exit 1
    fi
    cp package-lock.json "$done_mark"
fi
