#!/bin/sh
# Makes FOLDER/node_modules with exactly what FOLDER/package-lock.json names. Node and npm come with the
# Python packages. Does nothing if that is already done. Usage: npm_install.sh FOLDER
set -eu

cd "$(dirname "$0")/../$1"
done_mark=node_modules/.installed # a copy of the lock file that was installed
PATH="$(cd ../.venv/bin && pwd):$PATH"
export PATH

if ! cmp -s package-lock.json "$done_mark"; then
    echo "$1: installing package-lock.json into $1/node_modules"
    if ! output=$(npm ci --ignore-scripts 2>&1); then
        echo "$output" | tail -n 15 >&2
        echo "$1: npm could not install its packages (above): is its registry within reach?" >&2
        exit 1
    fi
    cp package-lock.json "$done_mark"
fi
