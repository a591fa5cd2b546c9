#!/bin/sh
# Writes FILE from .env.example, with a random value for each secret. Leaves an existing FILE alone.
# Refuses if volumes with other passwords still exist, unless KEEP_VOLUMES=1 is set.
set -eu

file=${1:?usage: new_env.sh FILE}
example=$(dirname "$0")/../../.env.example
if [ -e "$file" ]; then
    if [ -n "$(find -L "$file" -perm /077)" ]; then
        echo "other users may read $file, which has secrets: type \`chmod 600 $file\`" >&2
    fi
    exit 0
fi

project=${COMPOSE_PROJECT_NAME:-event-reservation}
label=label=com.docker.compose.project=$project
volumes=$(docker volume ls --quiet --filter "$label" | tr '\n' ' ')
if [ -n "$volumes" ] && [ -z "${KEEP_VOLUMES:-}" ]; then
    cat >&2 <<END
There is no $file, but there are volumes whose databases have the passwords of an earlier one:
    $volumes
Bring that $file back. If it is lost, give the databases new passwords, and keep the data:
    deploy/docker/replace_env.sh
Or start with empty databases. This DELETES the data:
    docker ps --all --quiet --filter $label | xargs -r docker rm --force
    docker volume rm $volumes
END
    exit 1
fi

umask 077 # only the owner may read the secrets
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
