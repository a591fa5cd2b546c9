#!/bin/sh
# render.sh FILE [NAME=VALUE …]: prints a file of this folder with the values of cluster.env put in.
# CLUSTER_ENV names another file of values.
set -eu

here=$(dirname "$0")
file=$1
shift

set -a
. "${CLUSTER_ENV:-$here/cluster.env}"
for assignment in "$@"; do
    eval "${assignment%%=*}=\${assignment#*=}"
done
set +a

names=$(sed -n 's/^\([A-Z][A-Z0-9_]*\)=.*/${\1}/p' "$here/cluster.env")
for name in $(grep -o '\${[A-Z0-9_]*}' "$here/$file" | sort -u | tr -d '${}'); do
    eval "value=\${$name:-}"
    if [ -z "$value" ]; then
        echo "render.sh: $file needs $name" >&2
        exit 1
    fi
done
envsubst "$names" <"$here/$file"
