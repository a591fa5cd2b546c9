#!/bin/sh
# Writes FILE from .env.example, with a random value for each secret. Leaves an existing FILE alone.
set -eu

file=${1:?usage: new_env.sh FILE}
example=$(dirname "$0")/../../.env.example
[ ! -e "$file" ] || exit 0

umask 077 # secrets are readable for their owner alone
while IFS= read -r line; do
    case $line in
    *_SECRET_KEY= | *_PASSWORD=)
        # Hexadecimal, because passwords become parts of URLs.
        line=$line$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n')
        ;;
    esac
    printf '%s\n' "$line"
done <"$example" >"$file.new"
mv "$file.new" "$file"
echo "made $file with new secrets"
