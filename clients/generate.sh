#!/bin/sh
# Generates clients of both services: generate.sh python|typescript FOLDER
set -eu

language=$1
mkdir -p "$2"
folder=$(cd "$2" && pwd)
cd "$(dirname "$0")/.."
# The Python generator formats with ruff; the TypeScript one runs in node.
PATH="$PWD/.venv/bin:$PATH"
export PATH

for service in event booking; do
    schema=docs/openapi/$service-service.yaml
    case $language in
        python)
            openapi-python-client generate --fail-on-warning --overwrite --meta setup \
                --path "$schema" --output-path "$folder/$service-service-client"
            ;;
        typescript)
            node clients/node_modules/openapi-typescript/bin/cli.js "$schema" \
                --output "$folder/$service-service.d.ts"
            ;;
        *)
            echo "generate.sh: python or typescript, not $language" >&2
            exit 2
            ;;
    esac
done
