#!/bin/sh
# Writes FILE from .env.example, with a random value for each secret. Leaves an existing FILE alone.
set -eu

file=${1:?usage: new_env.sh FILE}
example=$(dirname "$0")/../../.env.example
if [ -e "$file" ]; then
    if [ -n "$(find -L "$file" -perm /077)" ]; then
        echo "other users may read $file, which has secrets: type \`chmod 600 $file\`" >&2
    fi
    exit 0
fi

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
